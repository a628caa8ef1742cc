"""Scatters as SVG, labels placed where nothing else is."""

from collections.abc import Iterator
from dataclasses import dataclass

from dwcp.evaluation.report.frame import NARROW, WIDE, Frame, Size, drawing, frame_for, point_sentence
from dwcp.evaluation.report.marks import legend, marker, series_class, text_width
from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.sections import Scatter

__all__ = ["scatter_chart"]

_FONT = 12.0
_REACH = 7.0


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


def scatter_chart(chart: Scatter, ident: str) -> Markup:
    """The legend and both variants of the chart."""
    return join((legend(chart.series, lines=False), _drawn(chart, ident, WIDE), _drawn(chart, ident, NARROW)))


def _drawn(chart: Scatter, ident: str, size: Size) -> Markup:
    frame = frame_for(chart, size)
    groups = []
    for place, series in enumerate(chart.series):
        markers = [
            marker(place, *frame.place(point), element("title", point_sentence(series.name, point)))
            for point in series.points
        ]
        groups.append(element("g", join(markers), class_=series_class(place)))
    return drawing(chart, frame, ident, join((*groups, _labels(chart, frame))))


def _labels(chart: Scatter, frame: Frame) -> Markup:
    """Each label on the first free side of its point; one without a free side is left to the tooltip."""
    points = [point for series in chart.series for point in series.points]
    spots = [frame.place(point) for point in points]
    taken = [_Box(x - _REACH, y - _REACH, x + _REACH, y + _REACH) for x, y in spots]
    drawn = []
    for point, (x, y) in zip(points, spots, strict=True):
        if not point.label:
            continue
        free = (box for box in _sides(x, y, text_width(point.label, _FONT)) if _is_free(box, taken, frame))
        if (box := next(free, None)) is not None:
            taken.append(box)
            drawn.append(element("text", point.label, class_="label", x=box.left, y=box.bottom - 3.5))
    return element("g", join(drawn), aria_hidden="true")


def _sides(x: float, y: float, width: float) -> Iterator[_Box]:
    """Right, left, above, below, then the four corners."""
    half = _FONT / 2 + 1
    for left, middle in (
        (x + _REACH + 1, y),
        (x - _REACH - 1 - width, y),
        (x - width / 2, y - _REACH - half),
        (x - width / 2, y + _REACH + half),
        (x + 4, y - _REACH - half),
        (x - 4 - width, y - _REACH - half),
        (x + 4, y + _REACH + half),
        (x - 4 - width, y + _REACH + half),
    ):
        yield _Box(left, middle - half, left + width, middle + half)


def _is_free(box: _Box, taken: list[_Box], frame: Frame) -> bool:
    inside = frame.x.start - 8 <= box.left and box.right <= frame.size.width
    inside = inside and frame.y.end - 12 <= box.top and box.bottom <= frame.y.start
    return inside and not any(box.meets(other) for other in taken)
