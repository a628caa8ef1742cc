"""What a report is made of: frozen, typed sections that know nothing of HTML."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dwcp.errors import InputError
from dwcp.evaluation.tables import Comparison, figure_parts

__all__ = [
    "Axis",
    "Bar",
    "BarChart",
    "BarGroup",
    "Cell",
    "Column",
    "Facts",
    "Heading",
    "KeyFigure",
    "KeyFigures",
    "LineChart",
    "Point",
    "Prose",
    "Report",
    "Scatter",
    "Section",
    "Series",
    "Table",
    "comparison_table",
]

_LARGEST = 1e15
_SMALLEST_ON_LOG = 1e-15

Tone: TypeAlias = Literal["plain", "note", "good", "bad"]
Role: TypeAlias = Literal["plain", "focus", "bound"]


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section; it gets an anchor and a line in the contents. ``lead`` is a sentence below it."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Plain text; blank lines part paragraphs. Any tone but ``plain`` sets it off as a remark."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, such as the machine, the data and the versions."""

    items: tuple[tuple[str, str], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure that matters, e.g. label ``Mean regret``, value ``0.4 %``, note ``gate: at most 1 %``."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """The figures a reader should see first, side by side."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: numbers are set to the right, text to the left."""

    title: str
    kind: Literal["text", "number"] = "number"


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell with a smaller second line (an interval, say) and a mark that is not colour alone."""

    text: str
    detail: str = ""
    tone: Literal["plain", "good", "bad"] = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names the row.

    Attributes:
        caption: what it shows, of which data.
        columns: the columns.
        rows: cells, as many a row as there are columns.
        focus: positions of rows to set off, e.g. the learned policy.

    Raises:
        InputError: a row has more or fewer cells than there are columns.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    focus: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise InputError(
                    f"row {place} of table {self.caption!r} has {len(row)} cells, not {len(self.columns)}"
                )


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from zero with its label, its interval and the part it plays.

    Attributes:
        name: what the bar is of.
        value: its length, not negative.
        text: the value as written, with its unit.
        low: lower end of the interval, or None.
        high: upper end of the interval, or None.
        role: ``focus`` for what the report is about, ``bound`` for what cannot be beaten.
    """

    name: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    role: Role = "plain"


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars that share a scale, in a panel of their own."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Panels of horizontal bars, each panel on its own scale from zero.

    Attributes:
        title: what it shows.
        description: what to see in it, for those who cannot see it.
        unit: unit of every value.
        groups: the panels.

    Raises:
        InputError: there is no bar, or a value is negative or not a number that can be drawn.
    """

    title: str
    description: str
    unit: str
    groups: tuple[BarGroup, ...]

    def __post_init__(self) -> None:
        bars = [bar for group in self.groups for bar in group.bars]
        if not bars or not all(group.bars for group in self.groups):
            raise InputError(f"chart {self.title!r} has a group without bars")
        for bar in bars:
            for value in (bar.value, bar.low, bar.high):
                if value is not None and not 0 <= value <= _LARGEST:
                    raise InputError(f"bar {bar.name!r} of chart {self.title!r} cannot show {value}")


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis with its title and unit, on a linear or logarithmic scale."""

    title: str
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, slots=True)
class Point:
    """A point with an optional label and an optional interval of ``y``."""

    x: float
    y: float
    label: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together; a series has its own colour, marker and dash."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines through points in order of x, intervals as whiskers or, past two dozen points, as a band.

    Attributes:
        title: what it shows.
        description: what to see in it, for those who cannot see it.
        x: the horizontal axis.
        y: the vertical axis.
        series: at most eight lines.

    Raises:
        InputError: no series, too many, one without points, or a value that cannot be drawn.
    """

    title: str
    description: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]

    def __post_init__(self) -> None:
        _check_points(self)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Labelled points; takes and raises the same as `LineChart`."""

    title: str
    description: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]

    def __post_init__(self) -> None:
        _check_points(self)


Section: TypeAlias = Heading | Prose | Facts | KeyFigures | Table | BarChart | LineChart | Scatter


@dataclass(frozen=True, slots=True)
class Report:
    """A page: title, a line below it, and sections in order."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def comparison_table(comparison: Comparison, focus: Sequence[str] = ()) -> Table:
    """A comparison as a table section, intervals on the second line; ``focus`` names rows to set off."""
    columns = (Column("Policy", "text"), *(Column(_capital(m.title)) for m in comparison.metrics))
    rows: tuple[tuple[Cell | str, ...], ...] = tuple(
        (row.policy, *(Cell(*figure_parts(row.figures.get(m.key), m)) for m in comparison.metrics))
        for row in comparison.rows
    )
    chosen = frozenset(i for i, row in enumerate(comparison.rows) if row.policy in focus)
    return Table(f"{comparison.title}. Data: {comparison.data}", columns, rows, chosen)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _check_points(chart: LineChart | Scatter) -> None:
    if not 1 <= len(chart.series) <= 8 or not all(series.points for series in chart.series):
        raise InputError(f"chart {chart.title!r} takes one to eight series with points in each")
    for series in chart.series:
        for point in series.points:
            _check(point.x, chart.x, chart.title)
            for value in (point.y, point.low, point.high):
                if value is not None:
                    _check(value, chart.y, chart.title)


def _check(value: float, axis: Axis, title: str) -> None:
    fits = math.isfinite(value) and abs(value) <= _LARGEST
    if not fits or (axis.scale == "log" and value < _SMALLEST_ON_LOG):
        raise InputError(f"chart {title!r} cannot show {value} on the {axis.scale} axis {axis.title!r}")
