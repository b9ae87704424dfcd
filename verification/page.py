"""How the claims ledger is shown: a table for the terminal, a page for the browser, both of what ledger.json holds."""

from __future__ import annotations

from html import escape
from io import StringIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

COLORS = {
    "verified": "green",
    "refuted": "bold red",
    "error": "bold magenta",
    "undecided": "yellow",
    "not run": "dim",
}


def margin_text(margin: float | str | None) -> str:
    """A margin to two digits, or a dash where there is none."""
    return "—" if margin is None else margin if isinstance(margin, str) else f"{margin:.2g}"


def totals(ledger: dict) -> str:
    """All verdicts, and the chance of a false alarm, in one line."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in ledger["verdicts"].items() if count) or "no claims"
    alpha = ledger["alpha"]
    budget = f"chance of a false alarm {alpha['booked']:.3g} of {alpha['budget']:.3g}"
    return f"{counts}; {budget}{'' if alpha['within_budget'] else ': OVER BUDGET, so this run fails'}"


def table(ledger: dict, *, width: int, color: bool) -> str:
    """The ledger for a terminal of this width."""
    rows = Table(box=box.SIMPLE_HEAD, width=width, pad_edge=False)
    for name in ("claim", "verdict", "examples", "worst margin"):
        rows.add_column(name, justify="left" if name in ("claim", "verdict") else "right", no_wrap=True)
    rows.add_column("statement", ratio=1, overflow="fold")
    for entry in ledger["claims"]:
        rows.add_row(
            Text(entry["id"]),
            Text(entry["verdict"], style=COLORS[entry["verdict"]]),
            f"{entry['examples']:,}",
            margin_text(entry["worst_margin"]),
            Text(entry["statement"]),
        )
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=color, color_system="standard" if color else None, highlight=False
    )
    console.print(rows)
    for entry in ledger["claims"]:
        for reason in entry["reasons"]:
            verdict = Text(reason["verdict"], style=COLORS[reason["verdict"]])
            console.print(Text.assemble(entry["id"], " ", verdict, " in ", reason["test"], ":"))
            console.print(Padding(Text(reason["text"]), (0, 0, 0, 2), expand=False))
    console.print(Text(totals(ledger), style="" if ledger["alpha"]["within_budget"] else COLORS["refuted"]))
    return output.getvalue()


STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5a6375; --paper: #fff; --line: #d9dde5; --block: #f4f6f9;
  --verified: #11692f; --refuted: #b3171f; --error: #8a1c9c; --undecided: #855300; --not-run: #5a6375; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf1; --soft: #a4adbf; --paper: #12151c; --line: #333a48;
  --block: #1b202a; --verified: #5fd18a; --refuted: #ff8a85; --error: #e29bf0; --undecided: #f0b95a;
  --not-run: #a4adbf; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 76rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
.lead { margin: 0; font-size: 1.1rem; }
.soft, footer { color: var(--soft); font-size: .9rem; }
.scroll { margin: 2rem 0; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { padding-bottom: .5rem; text-align: left; color: var(--soft); font-size: .9rem; }
th, td { padding: .75rem .5rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-top: 0; border-bottom: 2px solid var(--line); font-size: .85rem; vertical-align: bottom; }
tbody th { font-family: ui-monospace, monospace; font-size: .9rem; white-space: nowrap; }
.statement { min-width: 20rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
.verdict { font-weight: 700; white-space: nowrap; color: var(--of-verdict); }
.verdict::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .5em;
  border-radius: 50%; background: currentColor; }
td p { margin: 0 0 .25rem; }
td ul { margin: .25rem 0; padding-left: 1.2rem; }
pre { margin: .5rem 0 0; padding: .75rem; background: var(--block); border-left: 3px solid var(--of-verdict);
  font: .82rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.verified { --of-verdict: var(--verified); } .refuted { --of-verdict: var(--refuted); }
.error { --of-verdict: var(--error); } .undecided { --of-verdict: var(--undecided); }
.not-run { --of-verdict: var(--not-run); }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; --block: #fff; --verified: #11692f;
  --refuted: #b3171f; --error: #8a1c9c; --undecided: #855300; --not-run: #444; }
  html { font-size: 9pt; } body { max-width: none; padding: 0; }
  .scroll { overflow: visible; } .statement { min-width: 0; } tr { break-inside: avoid; }
  .verdict::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@page { margin: 14mm; }
"""


def html_page(ledger: dict) -> str:
    """The ledger as one page that needs nothing beside it."""
    environment = ledger["environment"]
    made_with = ", ".join(
        [
            f"Python {environment['python']}",
            f"NumPy {environment['numpy']}",
            f"PyTorch {environment['torch']}",
            environment["platform"],
            f"hypothesis profile “{ledger['hypothesis_profile']}”",
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Claims ledger</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Claims ledger</h1>
<p class="lead">{escape(totals(ledger))}.</p>
<p class="soft"><time datetime="{escape(ledger["date"])}">{escape(ledger["date"])}</time> · {escape(made_with)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Claims">
<table>
<caption>A margin is what was measured over what theory allows: at most 1 is within the bound.</caption>
<thead><tr><th scope="col">Claim</th><th scope="col">Verdict</th><th scope="col">Statement</th>
<th scope="col" class="number">Worst margin</th><th scope="col" class="number">Examples tried</th>
<th scope="col" class="number">Tests</th><th scope="col" class="number">Seconds</th></tr></thead>
<tbody>
{"".join(map(_row, ledger["claims"]))}</tbody>
</table>
</div>
</main>
<footer><p>Verified: every test passed. Refuted: a counterexample was found; it stands with the claim. Undecided: the
sample can tell neither the claim nor its opposite. Error: a test crashed or tried nothing. Not run: every test was
skipped. Examples count every input tried, those that hypothesis tries to simplify a counterexample included.</p>
</footer>
</body>
</html>"""


def _row(entry: dict) -> str:
    conditions = "".join(f"<li>{escape(text)}</li>" for text in entry["conditions"])
    reasons = "".join(
        f"<pre>{escape(reason['test'])}: {escape(reason['verdict'])}\n{escape(reason['text'])}</pre>"
        for reason in entry["reasons"]
    )
    worst_at = f'<p class="soft">Worst at {escape(entry["worst_at"])}</p>' if entry["worst_at"] else ""
    skipped = f'<br><span class="soft">+{entry["skipped"]} skipped</span>' if entry["skipped"] else ""
    return f"""<tr class="{entry["verdict"].replace(" ", "-")}">
<th scope="row">{escape(entry["id"])}</th>
<td class="verdict">{escape(entry["verdict"])}</td>
<td class="statement"><p>{escape(entry["statement"])}</p><p class="soft">{escape(entry["source"])}</p>{worst_at}
{f"<ul>{conditions}</ul>" if conditions else ""}{reasons}</td>
<td class="number">{margin_text(entry["worst_margin"])}</td><td class="number">{entry["examples"]:,}</td>
<td class="number">{entry["tests"]}{skipped}</td><td class="number">{entry["seconds"]:.1f}</td>
</tr>
"""
