"""How the claims ledger is shown: a table for the terminal, a page for the browser, both of what ledger.json holds."""

from __future__ import annotations

import math
import re
from html import escape
from io import StringIO
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

COLORS = {  # from the gravest
    "refuted": "bold red",
    "error": "bold magenta",
    "undecided": "yellow",
    "verified": "green",
    "not run": "dim",
}
INDENT = 2


def margin_text(margin: float | str | None) -> str:
    """A margin to two digits, or a dash where there is none."""
    return "—" if margin is None else margin if isinstance(margin, str) else f"{margin:.2g}"


def totals(ledger: dict) -> str:
    """All verdicts, and the chance of a false alarm, in one line."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in ledger["verdicts"].items() if count) or "no claims"
    alpha = ledger["alpha"]
    budget = f"chance of a false alarm {alpha['booked']:.3g} of {alpha['budget']:.3g}"
    return f"{counts}; {budget}{'' if alpha['within_budget'] else ': OVER BUDGET, so this run fails'}"


def gravest_first(ledger: dict) -> list[dict]:
    """The claims in the order in which they are shown: what needs attention first, each verdict's by their ids."""
    return sorted(ledger["claims"], key=lambda entry: list(COLORS).index(entry["verdict"]))


def table(ledger: dict, *, width: int, color: bool, verbose: bool = False) -> str:
    """The ledger for a terminal of this width: in full what needs attention, the rest on a line each unless `verbose`.

    Args:
        ledger: what ledger.json holds.
        width: characters in a line.
        color: whether to write colours.
        verbose: whether every claim is given in full, with its source and conditions.
    """
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=color, color_system="standard" if color else None, highlight=False
    )
    ids = max((len(entry["id"]) for entry in ledger["claims"]), default=0)
    for entry in gravest_first(ledger):
        verdict = Text(f"{entry['verdict']:<9}", style=COLORS[entry["verdict"]])
        if entry["verdict"] == "verified" and not verbose:
            head = Text.assemble(
                verdict, f"  {entry['id']:<{ids}}", (f"{margin_text(entry['worst_margin']):>9}  ", "dim")
            )
            statement = Text(entry["statement"])
            statement.truncate(max(width - head.cell_len, 1), overflow="ellipsis")
            console.print(Text.assemble(head, statement), no_wrap=True, crop=True)
            continue
        console.print(Text.assemble(verdict, f"  {entry['id']}  ", (_numbers(entry), "dim")))
        for text in [entry["statement"], *([entry["source"], *entry["conditions"]] if verbose else [])]:
            console.print(Padding(Text(text), (0, 0, 0, INDENT), expand=False))
        for reason in entry["reasons"]:
            told = Text.assemble((f"{reason['verdict']} in ", COLORS[reason["verdict"]]), reason["test"], ":")
            console.print(Padding(told, (0, 0, 0, INDENT), expand=False))
            console.print(Padding(Text(reason["text"]), (0, 0, 0, INDENT + 2), expand=False))
    console.print(Text(totals(ledger), style="" if ledger["alpha"]["within_budget"] else COLORS["refuted"]))
    return output.getvalue()


def _numbers(entry: dict) -> str:
    tried = f"{entry['examples']:,} example{'' if entry['examples'] == 1 else 's'}"
    return tried if entry["worst_margin"] is None else f"{tried}, worst margin {margin_text(entry['worst_margin'])}"


STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5a6375; --paper: #fff; --line: #d9dde5; --block: #f4f6f9;
  --verified: #11692f; --refuted: #b3171f; --error: #8a1c9c; --undecided: #855300; --not-run: #5a6375; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf1; --soft: #a4adbf; --paper: #12151c; --line: #333a48;
  --block: #1b202a; --verified: #5fd18a; --refuted: #ff8a85; --error: #e29bf0; --undecided: #f0b95a;
  --not-run: #a4adbf; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 64rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
.lead { margin: 0; font-size: 1.1rem; }
.soft, footer, dt { color: var(--soft); font-size: .9rem; }
fieldset { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1.5rem 0 0; padding: 0; border: 0; }
legend { float: left; margin-right: 1.25rem; font-weight: 700; }
label { cursor: pointer; }
input { accent-color: var(--ink); }
article { margin: 0; padding: 1rem 0; border-top: 1px solid var(--line); }
article header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
h3 { margin: 0; font: 700 1rem/1.55 ui-monospace, monospace; }
.verdict { font-weight: 700; color: var(--of-verdict); }
.verdict::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .5em;
  border-radius: 50%; background: currentColor; }
p { margin: .15rem 0; } ul { margin: .25rem 0; padding-left: 1.2rem; }
dl { display: flex; flex-wrap: wrap; gap: .1rem 2rem; margin: .4rem 0 0; font-size: .9rem; }
dt, dd { display: inline; margin: 0 .25rem 0 0; }
dd { font-variant-numeric: tabular-nums; }
svg { width: 15rem; max-width: 100%; height: 1.1rem; vertical-align: -.25rem; overflow: visible; }
svg line { stroke: var(--line); stroke-width: 2; } svg .bound { stroke: var(--ink); }
svg circle { fill: var(--of-verdict); }
pre { margin: .5rem 0 0; padding: .75rem; background: var(--block); border-left: 3px solid var(--of-verdict);
  font: .82rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; border-top: 2px solid var(--line); }
.verified { --of-verdict: var(--verified); } .refuted { --of-verdict: var(--refuted); }
.error { --of-verdict: var(--error); } .undecided { --of-verdict: var(--undecided); }
.not-run { --of-verdict: var(--not-run); }
HIDE
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; --block: #fff; --verified: #11692f;
  --refuted: #b3171f; --error: #8a1c9c; --undecided: #855300; --not-run: #444; }
  html { font-size: 9pt; } body { max-width: none; padding: 0; } fieldset { display: none; }
  article { break-inside: avoid; }
  .verdict::before, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@page { margin: 14mm; }
""".replace(
    "HIDE",  # without a script: the verdict that is chosen hides the claims of all others, and groups left empty
    "\n".join(
        f"main:has(#only-{name}:checked) :is(article, section):not(.{name}, :has(.{name})) {{ display: none; }}"
        for name in (verdict.replace(" ", "-") for verdict in COLORS)
    ),
)


def html_page(ledger: dict) -> str:
    """The ledger as one page that needs nothing beside it: no network, no script."""
    date, environment = escape(ledger["date"]), dict(ledger["environment"])
    platform = environment.pop("platform")
    made_with = [f"{PROPER.get(name, name)} {version}" for name, version in environment.items()] + [platform]
    if ledger["hypothesis_profile"] is not None:
        made_with.append(f"hypothesis profile “{ledger['hypothesis_profile']}”")
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
<p class="soft"><time datetime="{date}">{date}</time> · {escape(", ".join(made_with))}</p>
{_filter(ledger)}
{"".join(_group(title, entries) for title, entries in groups(ledger))}</main>
<footer><p>A margin is what was measured over what theory allows: at most 1 is within the bound. The line beside it is
logarithmic, from 1e{LEAST} to 1e{MOST}, and its tick stands at the bound.</p>
<p>Verified: every test passed. Refuted: a counterexample was found; it stands with the claim. Undecided: the
sample can tell neither the claim nor its opposite. Error: a test crashed or tried nothing. Not run: every test was
skipped. Examples count every input tried, those that hypothesis tries to simplify a counterexample included.</p>
</footer>
</body>
</html>"""


PROPER = {"python": "Python", "numpy": "NumPy", "torch": "PyTorch"}
ATTENTION = "What needs attention"
LEAST, MOST = -12, 2  # powers of ten between which margins are drawn; what lies beyond is drawn at the end


def groups(ledger: dict) -> list[tuple[str, list[dict]]]:
    """The claims under their headings: all that needs attention first, then by the paper that makes them."""
    graver = [entry for entry in gravest_first(ledger) if entry["verdict"] not in ("verified", "not run")]
    rest = sorted(
        (entry for entry in ledger["claims"] if entry not in graver),
        key=lambda entry: (paper(entry["source"]) == OURS, paper(entry["source"]), entry["id"]),
    )
    by_paper = [(title, list(entries)) for title, entries in groupby(rest, key=lambda entry: paper(entry["source"]))]
    return [(ATTENTION, graver), *by_paper] if graver else by_paper


OURS = "This project's own"


def paper(source: str) -> str:
    """Authors and year that a source begins with, as in "Zhang et al. 2020, Theorem 1"; else the project's own."""
    named = re.match(r"[^;:()\d]*\b(1[89]|20)\d\d\b", source)
    return named.group() if named else OURS


def _filter(ledger: dict) -> str:
    """A choice of the verdict to show, worked by the style sheet alone."""
    found = [(verdict, count) for verdict, count in ledger["verdicts"].items() if count]
    if len(found) < 2:
        return ""
    choices = [("all", "all", len(ledger["claims"]))]
    choices += [(verdict.replace(" ", "-"), verdict, count) for verdict, count in found]
    return (
        "<fieldset><legend>Show</legend>"
        + "".join(
            f'<label><input type="radio" name="only" id="only-{name}"{" checked" if name == "all" else ""}> '
            f"{verdict} ({count})</label>"
            for name, verdict, count in choices
        )
        + "</fieldset>"
    )


def _group(title: str, entries: list[dict]) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{''.join(map(_card, entries))}</section>\n"


def _card(entry: dict) -> str:
    conditions = "".join(f"<li>{escape(text)}</li>" for text in entry["conditions"])
    reasons = "".join(
        f"<pre>{escape(reason['test'])}: {escape(reason['verdict'])}\n{escape(reason['text'])}</pre>"
        for reason in entry["reasons"]
    )
    facts = [("Source", escape(entry["source"]))]
    if entry["worst_margin"] is not None:
        facts.append(("Worst margin", f"{margin_text(entry['worst_margin'])} {on_a_scale(entry['worst_margin'])}"))
    if entry["worst_at"]:
        facts.append(("at", escape(entry["worst_at"])))
    skipped = f" ({entry['skipped']} skipped)" if entry["skipped"] else ""
    facts += [
        ("Examples tried", f"{entry['examples']:,}"),
        ("Tests", f"{entry['tests']}{skipped} in {escape(', '.join(entry['files']))}"),
        ("Seconds", f"{entry['seconds']:.1f}"),
    ]
    return f"""<article class="{entry["verdict"].replace(" ", "-")}">
<header><h3>{escape(entry["id"])}</h3><span class="verdict">{escape(entry["verdict"])}</span></header>
<p>{escape(entry["statement"])}</p>
{f"<ul>{conditions}</ul>" if conditions else ""}{reasons}
<dl>{"".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts)}</dl>
</article>
"""


def on_a_scale(margin: float | str) -> str:
    """A margin as a dot on a logarithmic line, with a tick at the bound."""
    power = MOST if isinstance(margin, str) else LEAST if margin <= 0 else math.log10(margin)
    place, bound = ((min(max(at, LEAST), MOST) - LEAST) / (MOST - LEAST) * 100 for at in (power, 0))
    return (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<line x1="0" x2="100" y1="4" y2="4"/><line class="bound" x1="{bound:.2f}" x2="{bound:.2f}" y1="0" y2="8"/>'
        f'<circle cx="{place:.2f}" cy="4" r="2"/></svg>'
    )
