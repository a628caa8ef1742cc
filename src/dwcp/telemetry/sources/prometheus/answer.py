"""Answers of the Prometheus HTTP API: instant vectors and matrices, by node and time.

Source: Prometheus documentation, "HTTP API" (``/api/v1/query`` and ``/api/v1/query_range``).
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from dwcp.errors import SchemaError

__all__ = ["Rows", "parse_rows", "refusal"]

Rows: TypeAlias = Mapping[str, Mapping[float, float]]
"""Value by label and time, seconds since 1970; what is not finite is not there."""

_MOST_SAID = 300


def parse_rows(body: bytes, label: str) -> Rows:
    """What a query gave.

    Args:
        body: of an answer with status 200.
        label: tells the nodes apart.

    Raises:
        SchemaError: it is no answer of Prometheus, a series has no such label, or two have the same.
    """
    try:
        data = json.loads(body)["data"]
        kind, series = data["resultType"], data["result"]
        if kind == "scalar" or kind == "string":
            raise SchemaError(f"the query gives a {kind}; let it give a series for each node")
        found: dict[str, dict[float, float]] = {}
        for one in series:
            name = one["metric"].get(label)
            if name is None:
                raise SchemaError(f"a series has no label {label!r}; aggregate `by ({label})`")
            if name in found:
                raise SchemaError(f"there are several series of {name}; aggregate `by ({label})`")
            found[name] = dict(_points(one))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SchemaError("what answers is no Prometheus: its answer cannot be read") from error
    return found


def refusal(body: bytes) -> str:
    """Why Prometheus refused a query, in its own words; empty where it does not say."""
    try:
        said = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError):
        return ""
    return " ".join(str(said).split())[:_MOST_SAID]


def _points(series: Any) -> Iterator[tuple[float, float]]:
    for time_s, text in series["values"] if "values" in series else [series["value"]]:
        value = float(text)
        if math.isfinite(value):
            yield round(float(time_s), 3), value
