"""The frame that line charts and scatters share: size, scales, grid, ticks and axis titles."""

from dataclasses import dataclass

from dwcp.evaluation.report.marks import shortened, text_width
from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.scales import Scale, number_text, scale_for
from dwcp.evaluation.report.sections import Axis, LineChart, Point, Scatter

__all__ = ["NARROW", "TICK_FONT", "WIDE", "Frame", "Size", "drawing", "frame_for", "point_sentence"]

TICK_FONT = 12.0
_TOP = 34.0
_BOTTOM = 50.0


@dataclass(frozen=True, slots=True)
class Size:
    """Name, width and height of one variant: text keeps its size on the page, so a chart is drawn twice."""

    name: str
    width: float
    height: float


WIDE = Size("wide", 760, 380)
NARROW = Size("narrow", 330, 320)


@dataclass(frozen=True, slots=True)
class Frame:
    """Two scales inside a size."""

    size: Size
    x: Scale
    y: Scale

    def place(self, point: Point) -> tuple[float, float]:
        """Where a point is."""
        return self.x.place(point.x), self.y.place(point.y)


def frame_for(chart: LineChart | Scatter, size: Size) -> Frame:
    """Scales that hold every point and interval, with room for the tick labels."""
    points = [point for series in chart.series for point in series.points]
    heights = [value for p in points for value in (p.y, p.low, p.high) if value is not None]
    y = scale_for(
        heights, chart.y.scale, size.height - _BOTTOM, _TOP, most_ticks=6, from_zero=_near_zero(heights)
    )
    left = max(text_width(number_text(tick), TICK_FONT) for tick in y.ticks) + 14
    ticks = max(2, int((size.width - left) // 60))
    widths = [point.x for point in points]
    x = scale_for(widths, chart.x.scale, left + 10, size.width - 18, ticks, from_zero=_near_zero(widths))
    return Frame(size, x, y)


def drawing(chart: LineChart | Scatter, frame: Frame, ident: str, body: Markup) -> Markup:
    """The SVG of one variant: grid, axes and ``body``, with the chart's title and description."""
    size = frame.size
    return element(
        "svg",
        element("title", chart.title, id=f"{ident}_{size.name}_title"),
        element("desc", chart.description, id=f"{ident}_{size.name}_desc"),
        element("g", _grid(frame), _titles(chart, frame), aria_hidden="true"),
        body,
        class_=size.name,
        viewBox=f"0 0 {size.width:.0f} {size.height:.0f}",
        role="img",
        aria_labelledby=f"{ident}_{size.name}_title {ident}_{size.name}_desc",
    )


def point_sentence(series: str, point: Point) -> str:
    """A point in words, for its tooltip."""
    name = f"{series}, {point.label}" if point.label else series
    place = f"{name}: {number_text(point.x)}, {number_text(point.y)}"
    if point.low is None or point.high is None:
        return place
    return f"{place} ({number_text(point.low)} to {number_text(point.high)})"


def _near_zero(values: list[float]) -> bool:
    """Whether zero is near enough to the values for an axis that shows it."""
    return 0 <= min(values) <= 0.5 * max(values)


def _grid(frame: Frame) -> Markup:
    left, right = frame.x.start - 10, frame.size.width
    bottom = frame.y.start
    drawn = [element("line", class_="axis", x1=left, x2=right, y1=bottom, y2=bottom)]
    for tick in frame.y.ticks:
        y = frame.y.place(tick)
        drawn.append(element("line", class_="grid", x1=left, x2=right, y1=y, y2=y))
        drawn.append(
            element("text", number_text(tick), class_="tick", x=left - 6, y=y + 4, text_anchor="end")
        )
    for tick in frame.x.ticks:
        x = frame.x.place(tick)
        drawn.append(element("line", class_="axis", x1=x, x2=x, y1=bottom, y2=bottom + 5))
        drawn.append(
            element("text", number_text(tick), class_="tick", x=x, y=bottom + 20, text_anchor="middle")
        )
    return join(drawn)


def _titles(chart: LineChart | Scatter, frame: Frame) -> Markup:
    right, bottom = frame.size.width, frame.size.height
    room = frame.size.width - 4
    return join(
        (
            element("text", _title(chart.y, room), class_="axis-title", x=0, y=13),
            element(
                "text", _title(chart.x, room), class_="axis-title", x=right, y=bottom - 6, text_anchor="end"
            ),
        )
    )


def _title(axis: Axis, room: float) -> str:
    title = f"{axis.title} (log scale)" if axis.scale == "log" else axis.title
    return shortened(title, TICK_FONT, room)
