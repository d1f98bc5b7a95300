"""The page of a blend: its phases, what is mixed in each, and how diverse the sources are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from blends.diversity import diversity_of_plan
from blends.plan import load_plan
from pipeline.io.commit import write_atomic
from pipeline.report.charts import percent
from pipeline.report.diversity import diversity_table
from pipeline.report.markup import Markup, page_text, tag

_COLUMNS = ("stream", "samples", "tokens", "share", "epochs", "so far")


def write_plan_report(path: Path) -> Path:
    """Write the page of a plan beside it (plan.json: plan.html) and return its path.

    Raises:
        VerificationError: not a plan, or one of its runs is unfinished or another one now.
        OutputError: the page cannot be written.
    """
    plan = load_plan(path)
    template = Template(files("pipeline.report").joinpath("page.html").read_text(encoding="utf-8"))
    phases = [_phase(phase) for phase in plan["phases"]]
    warnings = [tag("p", page_text(warning), class_="note") for warning in plan["warnings"]]
    main = tag(
        "main",
        tag("section", tag("h2", "Phases"), *warnings, tag("div", *phases, class_="charts")),
        tag(
            "section",
            tag("h2", "Diversity and redundancy"),
            tag("div", diversity_table(diversity_of_plan(plan, path.parent)), class_="charts"),
        ),
    )
    page = template.substitute(body=Markup(_header(plan) + main))
    target = path.with_suffix(".html")
    write_atomic(target, page.encode())
    return target


def _header(plan: Mapping[str, Any]) -> Markup:
    tokens = sum(phase["tokens"] for phase in plan["phases"])
    lead = tag("p", f"{tokens:,} tokens, plan ", tag("code", plan["identity"][:12]), class_="lead")
    return tag("header", tag("h1", "warcmill blend: ", page_text(plan["name"])), lead)


def _phase(phase: Mapping[str, Any]) -> Markup:
    rows = [_stream(stream) for stream in phase["streams"]]
    head = tag("tr", *(tag("th", name, scope="col", class_="n" if i else None) for i, name in enumerate(_COLUMNS)))
    unit = f"{phase['samples']:,} samples of {phase['sequence_length']:,} = {phase['tokens']:,} tokens"
    caption = tag("figcaption", tag("h3", page_text(phase["name"])), tag("p", unit, class_="unit"))
    return tag("figure", caption, tag("table", tag("thead", head), tag("tbody", *rows), class_="plain"), class_="wide")


def _stream(stream: Mapping[str, Any]) -> Markup:
    cells = (
        f"{stream['samples']:,}",
        f"{stream['tokens']:,}",
        percent(stream["share"], 1),
        f"{stream['epochs']:.3f}",
        f"{stream['epochs_so_far']:.3f}",
    )
    return tag("tr", tag("td", page_text(stream["name"])), *(tag("td", cell, class_="n") for cell in cells))
