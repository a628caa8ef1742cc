"""What the pages of figures share: tables, shares, gates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Lines", "Result", "gates", "link_text", "mean", "measured_on", "percent", "table"]

Result = Mapping[str, Any]
Lines = Iterator[str]


def gates(result: Result) -> Lines:
    """How many gates are met, and each with its figure."""
    found = result["gates"]
    met = sum(gate["met"] for gate in found)
    yield f"Gates, {met} of {len(found)} met:"
    yield ""
    for gate in found:
        sign = "≥" if gate["direction"] == "at_least" else "≤"
        figure = "missing" if gate["figure"] is None else f"{gate['figure']:.4g}"
        word = "met" if gate["met"] else "**short**"
        yield f"- `{gate['metric']}` {figure} (gate {sign} {gate['limit']:g}): {word}; {gate['meaning']}"
    yield ""


def measured_on(result: Result) -> str:
    """A sentence on the machine."""
    found = result["environment"]
    return f"Measured on {found['cpu']} ({found['instruction_set']}), Python {found['python']}."


def link_text(mbps: float) -> str:
    """A rate as people write it."""
    return f"{mbps:g} Mbit/s" if mbps < 1000 else f"{mbps / 1000:g} Gbit/s"


def percent(share: float) -> str:
    """A share in percent."""
    percent = round(100 * share, 1) + 0.0
    return f"{percent:.1f} %" if abs(percent) < 100 else f"{percent:,.0f} %"


def mean(rows: Sequence[Result], name: str) -> float:
    """The mean of one figure."""
    return sum(float(row[name]) for row in rows) / len(rows)


def table(header: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Lines:
    """A table of Markdown."""
    yield f"| {' | '.join(header)} |"
    yield f"| --- |{' ---: |' * (len(header) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
