"""Line charts as SVG: markers and whiskers where points are few, a band where they are many."""

from dwcp.evaluation.report.frame import NARROW, WIDE, Frame, Size, drawing, frame_for, point_sentence
from dwcp.evaluation.report.marks import legend, line, marker, series_class
from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.sections import LineChart, Point, Series

__all__ = ["line_chart"]

_MOST_MARKERS = 24


def line_chart(chart: LineChart, ident: str) -> Markup:
    """The legend and both variants of the chart."""
    return join((legend(chart.series, lines=True), _drawn(chart, ident, WIDE), _drawn(chart, ident, NARROW)))


def _drawn(chart: LineChart, ident: str, size: Size) -> Markup:
    frame = frame_for(chart, size)
    series = (_series(place, one, frame) for place, one in enumerate(chart.series))
    return drawing(chart, frame, ident, join(series))


def _series(place: int, series: Series, frame: Frame) -> Markup:
    points = sorted(series.points, key=lambda point: point.x)
    spots = [frame.place(point) for point in points]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in spots)
    markers = [
        marker(place, *spot, element("title", point_sentence(series.name, point)))
        for point, spot in zip(points, spots, strict=True)
    ]
    if len(points) > _MOST_MARKERS:
        drawn = (_band(points, frame), line(place, path), markers[-1])
    else:
        drawn = (join(_whisker(point, frame) for point in points), line(place, path), join(markers))
    return element("g", *drawn, class_=series_class(place))


def _band(points: list[Point], frame: Frame) -> Markup:
    """The area between the ends of the intervals, where there are many."""
    spans = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    there = [f"{frame.x.place(x):.2f} {frame.y.place(high):.2f}" for x, _, high in spans]
    back = [f"{frame.x.place(x):.2f} {frame.y.place(low):.2f}" for x, low, _ in reversed(spans)]
    return element("path", class_="band", d=f"M{'L'.join(there + back)}z") if spans else Markup()


def _whisker(point: Point, frame: Frame) -> Markup:
    if point.low is None or point.high is None:
        return Markup()
    x, low, high = frame.x.place(point.x), frame.y.place(point.low), frame.y.place(point.high)
    ends = f"M{x - 4:.2f} {low:.2f}h8M{x - 4:.2f} {high:.2f}h8"
    return element("path", class_="range", d=f"M{x:.2f} {low:.2f}V{high:.2f}{ends}")
