"""Policies side by side: one row a policy, one column a metric, on the same cases, with intervals."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Bootstrap, Interval, mean_interval, saving_interval
from dwcp.evaluation.metrics import regrets, require_same_rows, summary
from dwcp.evaluation.replay import Replay

__all__ = ["Comparison", "Figure", "Metric", "PolicyRow", "compare", "figure_parts", "format_figure"]

Figure: TypeAlias = float | Interval | None
"""A number, a number with its interval, or nothing to say."""

Form: TypeAlias = Literal["percent", "number", "count"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A column.

    Attributes:
        key: name in JSON, e.g. ``mean_regret``.
        title: name for people.
        form: how figures are written; ``percent`` figures are kept as shares.
        unit: unit behind a ``number``.
        better: which way is good; None when neither is.
    """

    key: str
    title: str
    form: Form = "number"
    unit: str = ""
    better: Literal["higher", "lower"] | None = None


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A row: a policy and its figures by metric key."""

    policy: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table of policies on one set of cases.

    Attributes:
        title: what is compared.
        data: which data the figures are of, in words.
        metrics: the columns, in order.
        rows: the policies, in order.
    """

    title: str
    data: str
    metrics: tuple[Metric, ...]
    rows: tuple[PolicyRow, ...]

    def only(self, *keys: str) -> "Comparison":
        """The same table with these columns, in this order.

        Raises:
            InputError: there is no such column.
        """
        by_key = {metric.key: metric for metric in self.metrics}
        if missing := [key for key in keys if key not in by_key]:
            raise InputError(f"the table has no column {missing[0]!r}; it has {', '.join(by_key)}")
        return replace(self, metrics=tuple(by_key[key] for key in keys))

    def header(self) -> list[str]:
        """Titles of the columns of `plain_rows`."""
        return ["policy", *(metric.title for metric in self.metrics)]

    def plain_rows(self) -> list[list[str]]:
        """Every row as text: the policy's name, then its figures with intervals in brackets."""
        return [
            [row.policy, *(format_figure(row.figures.get(metric.key), metric) for metric in self.metrics)]
            for row in self.rows
        ]

    def to_markdown(self) -> str:
        """The table as GitHub Markdown, with its title above and its data below; ends in a newline."""
        lines = [
            _markdown_row(self.header()),
            "| --- |" + " ---: |" * len(self.metrics),
            *(_markdown_row(row) for row in self.plain_rows()),
        ]
        return f"**{_one_line(self.title)}**\n\n" + "\n".join(lines) + f"\n\nData: {_one_line(self.data)}\n"

    def to_json(self) -> dict[str, object]:
        """The table as JSON values; a figure that is missing or not finite is null."""
        return {
            "title": self.title,
            "data": self.data,
            "policies": {
                row.policy: {m.key: _json_figure(row.figures.get(m.key)) for m in self.metrics}
                for row in self.rows
            },
        }

    def to_json_bytes(self) -> bytes:
        """`to_json` as UTF-8 text with sorted keys, ready to be written."""
        return (json.dumps(self.to_json(), indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def compare(
    replays: Sequence[Replay[Any]],
    title: str,
    data: str,
    cost_unit: str,
    bootstrap: Bootstrap,
    over: Sequence[str] = (),
) -> Comparison:
    """The standard table of a task: cost, accuracy, regret, and gain over named policies.

    Args:
        replays: replays over the same rows, in the order of the rows wanted.
        title: what is compared.
        data: which data the figures are of.
        cost_unit: unit of cost, e.g. ``s``.
        bootstrap: how the intervals are made.
        over: names of replayed policies to give the gain over.

    Raises:
        InputError: no replays, two of one name, different rows, or ``over`` names none of them.
    """
    by_name = {replay.policy: replay for replay in replays}
    if not replays or len(by_name) != len(replays):
        raise InputError("a comparison takes one replay or more, each of a policy with its own name")
    if missing := [name for name in over if name not in by_name]:
        raise InputError(f"gain over {missing[0]!r} takes its replay; there is {', '.join(by_name)}")
    for other in replays[1:]:
        require_same_rows(replays[0], other)
    rows = tuple(PolicyRow(r.policy, _figures(r, by_name, over, bootstrap)) for r in replays)
    return Comparison(title, data, _metrics(cost_unit, over), rows)


def format_figure(figure: Figure, metric: Metric) -> str:
    """A figure as text: ``97.1 % [96.0, 98.2]``; a dash when there is nothing to say."""
    return " ".join(part for part in figure_parts(figure, metric) if part)


def figure_parts(figure: Figure, metric: Metric) -> tuple[str, str]:
    """A figure as text and its interval as text; the latter empty when there is none."""
    if figure is None:
        return "–", ""
    if not isinstance(figure, Interval):
        return _with_unit(figure, metric), ""
    value = _with_unit(figure.estimate, metric)
    if not (math.isfinite(figure.low) and math.isfinite(figure.high)):
        return value, ""
    return value, f"[{_digits(figure.low, metric)}, {_digits(figure.high, metric)}]"


def _metrics(cost_unit: str, over: Sequence[str]) -> tuple[Metric, ...]:
    return (
        Metric("decisions", "decisions", "count"),
        Metric("total_cost", "total cost", "number", cost_unit, "lower"),
        Metric("strict_accuracy", "strict accuracy", "percent", better="higher"),
        Metric("within_1pct", "within 1 %", "percent", better="higher"),
        Metric("within_2pct", "within 2 %", "percent", better="higher"),
        Metric("within_5pct", "within 5 %", "percent", better="higher"),
        Metric("mean_regret", "mean regret", "percent", better="lower"),
        Metric("p99_regret", "p99 regret", "percent", better="lower"),
        Metric("macro_f1", "macro F1", "number", better="higher"),
        *(Metric(f"gain_over_{name}", f"gain over {name}", "percent", better="higher") for name in over),
    )


def _figures(
    replay: Replay[Any], by_name: Mapping[str, Replay[Any]], over: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Figure]:
    regret = regrets(replay)
    rows = {
        "strict_accuracy": regret <= 0,
        "within_1pct": regret <= 0.01,
        "within_2pct": regret <= 0.02,
        "within_5pct": regret <= 0.05,
        "mean_regret": regret,
    }
    figures: dict[str, Figure] = dict(summary(replay))
    for key, values in rows.items():
        if math.isfinite(float(values.sum())):
            figures[key] = mean_interval(values, replay.groups, bootstrap)
    for name in over:
        other = by_name[name]
        if other.cost.sum() > 0:
            figures[f"gain_over_{name}"] = saving_interval(replay.cost, other.cost, replay.groups, bootstrap)
    return figures


def _with_unit(value: float, metric: Metric) -> str:
    unit = "%" if metric.form == "percent" else metric.unit
    return f"{_digits(value, metric)} {unit}".rstrip()


def _digits(value: float, metric: Metric) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if metric.form == "count":
        return f"{value:,.0f}"
    if metric.form == "percent":
        return f"{100 * value:.1f}" if abs(value) >= 0.1 else f"{100 * value:.2f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _json_figure(figure: Figure) -> object:
    if isinstance(figure, Interval):
        bounds = {"low": figure.low, "high": figure.high, "level": figure.level}
        return {"estimate": _finite(figure.estimate), **{key: _finite(v) for key, v in bounds.items()}}
    return None if figure is None else _finite(figure)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(text.split())
