"""Charts as SVG, drawn by the server. They stretch with the page: their text stands beside them as HTML."""

import math
from collections.abc import Sequence

from dwcp.serving.metrics import ForecastPoint
from dwcp.serving.page.data import Course
from dwcp.serving.page.markup import Markup, element

__all__ = ["band_chart", "bar", "histogram", "lines_chart", "span_of"]

_WIDTH, _HEIGHT = 100.0, 40.0
_PADDING = 0.08
Figures = Sequence[float | None]


def lines_chart(course: Course, span: tuple[float, float], label: str) -> Markup:
    """The model's line over the rule's.

    Args:
        course: the figures.
        span: figures at the bottom and the top.
        label: what it shows, in a sentence.
    """
    return _svg(
        label,
        _line(course.control, span, "line control"),
        _line(course.model, span, "line model"),
    )


def band_chart(points: Sequence[ForecastPoint], span: tuple[float, float], label: str) -> Markup:
    """What came, over the interval that was forecast.

    Args:
        points: two or more, oldest first.
        span: rates at the bottom and the top.
        label: what it shows, in a sentence.
    """
    upper = _points([point.high_mbps for point in points], span)
    lower = _points([point.low_mbps for point in points], span)
    area = "M" + " ".join((*upper, *reversed(lower))) + "Z"
    return _svg(
        label,
        element("path", d=area, class_="band"),
        _line([point.mid_mbps for point in points], span, "line middle"),
        _line([point.actual_mbps for point in points], span, "line actual"),
    )


def histogram(counts: Sequence[int], label: str) -> Markup:
    """Bars, one a bucket, the root of a count high, so that few are seen beside many.

    Args:
        counts: at least one of them above 0.
        label: what it shows, in a sentence.
    """
    most, step = math.sqrt(max(counts)), _WIDTH / len(counts)
    bars = []
    for index, count in enumerate(counts):
        height = max(0.5, _HEIGHT * math.sqrt(count) / most) if count else 0.0
        bars.append(
            element(
                "rect",
                x=index * step + 0.4,
                y=_HEIGHT - height,
                width=step - 0.8,
                height=height,
                class_="bar",
            )
        )
    return _svg(label, *bars)


def bar(share: float, by_model: bool) -> Markup:
    """A bar that is as long as a share (0 to 1); what it says stands beside it."""
    kind = "bar" if by_model else "bar muted"
    rect = element("rect", x=0.0, y=0.0, width=_WIDTH * share, height=10.0, class_=kind)
    return element(
        "svg", rect, viewBox="0 0 100 10", preserveAspectRatio="none", class_="share", aria_hidden="true"
    )


def span_of(*courses: Figures, least: float | None = None, most: float | None = None) -> tuple[float, float]:
    """Figures for the bottom and the top of a chart: all of them, and some air.

    Args:
        courses: what is drawn.
        least: figures have no lower.
        most: figures have no higher.
    """
    told = [figure for course in courses for figure in course if figure is not None]
    if not told:
        return 0.0, 1.0
    low, high = min(told), max(told)
    air = (high - low) * _PADDING or abs(high) * _PADDING or 1.0
    low, high = low - air, high + air
    return (low if least is None else max(least, low)), (high if most is None else min(most, high))


def _svg(label: str, *children: Markup) -> Markup:
    return element(
        "svg",
        element("title", label),
        *children,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="plot",
    )


def _line(figures: Figures, span: tuple[float, float], kind: str) -> Markup:
    """A line with gaps where nothing is known; a figure alone is a dot."""
    parts: list[str] = []
    told = False
    for point in _points(figures, span):
        if point:
            parts.append(f"L{point}" if told else f"M{point}h.01")
        told = bool(point)
    return element("path", d="".join(parts), class_=kind, vector_effect="non-scaling-stroke")


def _points(figures: Figures, span: tuple[float, float]) -> list[str]:
    low, high = span
    step = _WIDTH / max(1, len(figures) - 1)
    height = high - low or 1.0
    return [
        "" if figure is None else f"{index * step:.2f},{_HEIGHT * (1 - (figure - low) / height):.2f}"
        for index, figure in enumerate(figures)
    ]
