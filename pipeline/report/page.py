"""The page: sections put into the template, written beside the manifest."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from pipeline.io.commit import write_atomic
from pipeline.report.cleaning import cleaning
from pipeline.report.distributions import distributions, tokens
from pipeline.report.diversity import diversity
from pipeline.report.duplicates import duplicates
from pipeline.report.facts import RunFacts, read_facts
from pipeline.report.markup import Markup, tag
from pipeline.report.overview import drops, funnel, header, inputs, times
from pipeline.report.rejects import choose_rejects, reject_examples
from pipeline.report.samples import samples

REPORT = "report.html"


def write_report(run: Path) -> Path:
    """Write RUN/report.html and return its path: one page, no script, nothing loaded from elsewhere.

    Equal runs give equal pages but for the times in run.json.

    Raises:
        VerificationError: the run is unfinished, or what is stored differs from what the manifest says.
        UsageError: the folder is not a run.
        OutputError: the report cannot be written.
    """
    template = Template(files("pipeline.report").joinpath("page.html").read_text(encoding="utf-8"))
    page = template.substitute(body=_body(read_facts(run)))
    path = run / REPORT
    write_atomic(path, page.encode())
    return path


def _body(facts: RunFacts) -> Markup:
    rejects = choose_rejects(facts)
    main = tag(
        "main",
        _section("Funnel", "", funnel(facts), drops(facts), tokens(facts), inputs(facts), class_="charts"),
        _section("Contents", "", distributions(facts), class_="charts"),
        _section("Duplicates", "", duplicates(facts), class_="charts"),
        *_cleaning(facts),
        _section("Diversity and redundancy", "", diversity(facts), class_="charts"),
        _section(
            "Samples",
            "Rendered text of documents chosen by the hash of their id. Struck out: cut by cleaning. Highlighted: "
            "formulas as LaTeX, with the form they had in the page as tooltip.",
            samples(facts, rejects),
        ),
        _section("Rejected examples", "Up to three of each stage.", reject_examples(rejects), class_="rejects"),
        _section("This run", "", times(facts), _how_to(), class_="charts"),
    )
    return Markup(header(facts) + main)


def _cleaning(facts: RunFacts) -> list[Markup]:
    figures = cleaning(facts)
    return [_section("Cleaning", "", figures, class_="charts")] if figures else []


def _section(title: str, lead: str, *parts: Markup, class_: str | None = None) -> Markup:
    intro = tag("p", lead, class_="note") if lead else ""
    return tag("section", tag("h2", title), intro, tag("div", *parts, class_=class_))


def _how_to() -> Markup:
    lines = (
        ("warcmill verify RUN", "re-checks every byte, row, token and sum"),
        ("warcmill explain URL RUN", "says what happened to one page; takes an id, too"),
        ("warcmill inspect RUN --rejected", "shows more documents"),
        ("warcmill report RUN", "writes this page again"),
    )
    rows = [tag("p", tag("code", command), " ", what) for command, what in lines]
    where = tag("p", "RUN is the folder of this page. Shards, digests and lineage: ", _manifest_link(), ".")
    return tag("figure", tag("figcaption", tag("h3", "Check it yourself")), *rows, where)


def _manifest_link() -> Markup:
    return tag("a", "manifest.json", href="manifest.json")
