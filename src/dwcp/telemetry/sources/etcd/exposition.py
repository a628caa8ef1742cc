"""The Prometheus text exposition format, version 0.0.4: as much of it as a scrape needs."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from dwcp.errors import SchemaError

__all__ = ["Sample", "samples", "totals"]

_LINE = re.compile(
    r"""(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    (?:\{(?P<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?
    [ \t]+(?P<value>[0-9.eE+-]+|NaN|[+-]?Inf)
    (?:[ \t]+(?P<time_ms>-?\d+))?[ \t]*""",
    re.VERBOSE,
)
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")
_NAME_ENDS = re.compile(r"[{ \t]")


class Sample(NamedTuple):
    """One sample of one time series.

    Attributes:
        name: of the metric.
        labels: in the text's order.
        value: may be NaN or infinite.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def samples(text: str, names: Collection[str] | None = None) -> Iterator[Sample]:
    """The samples in a scrape, in order; comments, types and time stamps are left out.

    Args:
        text: what the exporter answered.
        names: the metrics wanted; lines of others are not looked at. None for all.

    Raises:
        SchemaError: a line is no sample.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line[0] == "#" or (names is not None and _NAME_ENDS.split(line, 1)[0] not in names):
            continue
        if line.isspace():
            continue
        yield _sample(line, number)


def totals(text: str, names: Collection[str]) -> dict[str, float]:
    """The wanted metrics, each summed over its labels; what the exporter does not tell is left out.

    Raises:
        SchemaError: a line is no sample.
    """
    found: dict[str, float] = {}
    for sample in samples(text, names):
        found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def _sample(line: str, number: int) -> Sample:
    matched = _LINE.fullmatch(line.rstrip("\r"))
    try:
        if matched is None:
            raise ValueError("not of the form `name{labels} value`")
        return Sample(matched["name"], _labels(matched["labels"] or ""), float(matched["value"]))
    except ValueError as error:
        raise SchemaError(f"line {number} is no Prometheus sample: {error}; is this /metrics?") from error


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found, at = [], 0
    while at < len(text):
        matched = _LABEL.match(text, at)
        if matched is None:
            raise ValueError('its labels are not of the form `name="value"`')
        found.append((matched[1], _ESCAPE.sub(_plain, matched[2])))
        at = matched.end()
    return tuple(found)


def _plain(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
