"""How a series looks: colour, marker and dash; and the text measures that layout needs."""

from collections.abc import Sequence

from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.palette import SERIES
from dwcp.evaluation.report.sections import Series

__all__ = ["legend", "line", "marker", "series_class", "shortened", "text_width"]

_MARKERS = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "M-4.5 -4.5h9v9h-9z",
    "M0 -5.8L5.4 4.2H-5.4z",
    "M0 -6L6 0L0 6L-6 0z",
    "M0 5.8L5.4 -4.2H-5.4z",
    "M-2 -5.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5v-4h3.5z",
    "M-3 -5.2H3L6 0L3 5.2H-3L-6 0z",
    "M-5.5 -3L-3 -5.5L0 -2.5L3 -5.5L5.5 -3L2.5 0L5.5 3L3 5.5L0 2.5L-3 5.5L-5.5 3L-2.5 0z",
)
_DASHES = (None, "8 4", "2 4", "10 4 2 4", "14 4", "5 3", "2 2", "10 3 2 3 2 3")


def series_class(place: int) -> str:
    """The class that gives a series its colour."""
    return f"series-{place % SERIES + 1}"


def marker(place: int, x: float, y: float, *children: str) -> Markup:
    """The series' marker with its centre at ``x, y``."""
    where = f"translate({x:.2f} {y:.2f})"
    return element("path", *children, class_="marker", d=_MARKERS[place % SERIES], transform=where)


def line(place: int, path: str) -> Markup:
    """The series' line along an SVG path."""
    return element("path", class_="line", d=path, stroke_dasharray=_DASHES[place % SERIES])


def legend(series: Sequence[Series], *, lines: bool) -> Markup:
    """Names beside markers, or nothing when there is one series only."""
    if len(series) < 2:
        return Markup()
    items = (
        element("li", _key(place, lines=lines), element("span", s.name)) for place, s in enumerate(series)
    )
    return element("ul", join(items), class_="legend")


def _key(place: int, *, lines: bool) -> Markup:
    width = 32 if lines else 14
    drawn = (line(place, f"M0 8H{width}") if lines else Markup(), marker(place, width / 2, 8))
    box = f"0 0 {width} 16"
    look = series_class(place)
    return element("svg", *drawn, class_=look, viewBox=box, width=width, height=16, aria_hidden="true")


def text_width(text: str, size: float) -> float:
    """About how wide text is, in user units: on the safe side for common sans-serif faces."""
    return sum(1.05 if ord(sign) > 0x2E80 else 0.3 if sign in " .,:;'|il" else 0.6 for sign in text) * size


def shortened(text: str, size: float, room: float) -> str:
    """Text that fits, with an ellipsis where it had to be cut."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"
