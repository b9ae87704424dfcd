"""The ledger's page."""

import re
from html.parser import HTMLParser

import pytest

from tests.verification.runs import EVERY_VERDICT
from verification.evidence import VERDICTS
from verification.page import on_a_scale, paper


def test_page_is_escaped_and_stands_alone(run, pytester):
    run(EVERY_VERDICT, "-k", "test_digits or seven")
    page = (pytester.path / "out/ledger.html").read_text(encoding="utf-8")
    assert "halves &lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt; are [red]small[/red]" in page
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page

    class Balance(HTMLParser):
        open: tuple = ()

        def handle_starttag(self, tag, attrs):
            self.open += () if tag in ("meta", "br", "input") else (tag,)

        def handle_endtag(self, tag):
            assert self.open[-1] == tag
            self.open = self.open[:-1]

    parser = Balance()
    parser.feed(page)
    assert parser.open == ()


def test_page_shows_what_needs_attention_first_and_each_verdict_on_its_own(run, pytester):
    run(EVERY_VERDICT)
    page = (pytester.path / "out/ledger.html").read_text(encoding="utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["What needs attention", "This project&#x27;s own"]
    assert re.findall(r"<h3>(.*?)</h3>", page) == [
        "R.caught", "R.shrunk", "E.crash", "E.vacuous", "U.order", "N.skip", "V.both",
    ]  # fmt: skip
    chosen = re.findall(r'id="only-([\w-]+)"( checked)?', page)
    assert chosen == [("all", " checked"), *((verdict.replace(" ", "-"), "") for verdict in VERDICTS)]
    for verdict in VERDICTS:  # chosen, it hides all claims and groups but its own
        name = verdict.replace(" ", "-")
        assert f"main:has(#only-{name}:checked) :is(article, section):not(.{name}, :has(.{name}))" in page
        assert f'<article class="{name}">' in page


@pytest.mark.parametrize(
    ("source", "heading"),
    [
        ("Zhang et al. 2020, Theorem 1", "Zhang et al. 2020"),
        (
            "Radhakrishnan, Yang, Belkin, Uhler 2018; theory/derivations (nonlinear-span)",
            "Radhakrishnan, Yang, Belkin, Uhler 2018",
        ),
        ("ours, measured", "This project's own"),
        ("theory/derivations (cnn-limit), after Lee et al. 2019", "This project's own"),
        ("300 examples", "This project's own"),
    ],
)
def test_the_paper_of_a_source(source, heading):
    assert paper(source) == heading


@pytest.mark.parametrize(
    ("margin", "place"),
    [(1.0, "85.71"), (1e-5, "50.00"), (1e-30, "0.00"), (0.0, "0.00"), (30000.0, "100.00"), ("inf", "100.00")],
)
def test_a_margin_stands_on_a_logarithmic_scale(margin, place):
    """From 1e-12 to 100: the bound, at 1, stands at 12/14 of the line."""
    drawn = on_a_scale(margin)
    assert f'<circle cx="{place}"' in drawn
    assert 'class="bound" x1="85.71"' in drawn
