import math
from dataclasses import FrozenInstanceError

import pytest

from dwcp.errors import InputError
from dwcp.evaluation.intervals import Interval
from dwcp.evaluation.report import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Cell,
    Column,
    LineChart,
    Point,
    Prose,
    Scatter,
    Series,
    Table,
    comparison_table,
)
from dwcp.evaluation.tables import Comparison, Metric, PolicyRow

LOG, LINEAR = Axis("x", "log"), Axis("y")


def test_sections_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Prose("x").text = "y"  # type: ignore[misc]


def test_a_row_fits_its_columns() -> None:
    with pytest.raises(InputError, match="row 1 of table 'T' has 1 cells, not 2"):
        Table("T", (Column("a"), Column("b")), (("1", "2"), ("1",)))


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, 1e16])
def test_a_bar_that_cannot_be_drawn_is_named(value: float) -> None:
    with pytest.raises(InputError, match="bar 'b' of chart 'C' cannot show"):
        BarChart("C", "", "s", (BarGroup("g", (Bar("b", value, "?"),)),))
    with pytest.raises(InputError, match="cannot show"):
        BarChart("C", "", "s", (BarGroup("g", (Bar("b", 1.0, "1", high=value),)),))


@pytest.mark.parametrize("groups", [(), (BarGroup("g", ()),)])
def test_a_chart_without_bars_is_refused(groups: tuple[BarGroup, ...]) -> None:
    with pytest.raises(InputError, match="group without bars"):
        BarChart("C", "", "s", groups)


@pytest.mark.parametrize("chart", [LineChart, Scatter])
@pytest.mark.parametrize(
    "point", [Point(0, 1), Point(1, math.nan), Point(1, 1e16), Point(1, 1, low=math.inf)]
)
def test_a_point_that_cannot_be_drawn_is_named(chart: type[LineChart | Scatter], point: Point) -> None:
    with pytest.raises(InputError, match="chart 'C' cannot show"):
        chart("C", "", LOG, LINEAR, (Series("s", (point,)),))


@pytest.mark.parametrize("count", [0, 9])
def test_a_chart_has_one_to_eight_series(count: int) -> None:
    with pytest.raises(InputError, match="one to eight series"):
        LineChart("C", "", LOG, LINEAR, tuple(Series(str(i), (Point(1, 1),)) for i in range(count)))


def test_a_comparison_becomes_a_table_with_its_intervals_apart() -> None:
    metrics = (Metric("r", "mean regret", "percent"), Metric("n", "decisions", "count"))
    rows = (PolicyRow("oracle [x]", {"r": 0.0}), PolicyRow("model", {"r": Interval(0.2, 0.1, 0.3), "n": 5.0}))
    table = comparison_table(Comparison("Codecs", "simulated", metrics, rows), focus=["model"])
    assert table.caption == "Codecs. Data: simulated"
    assert [column.title for column in table.columns] == ["Policy", "Mean regret", "Decisions"]
    assert table.rows[0] == ("oracle [x]", Cell("0.00 %"), Cell("–"))
    assert table.rows[1] == ("model", Cell("20.0 %", "[10.0, 30.0]"), Cell("5"))
    assert table.focus == {1}
