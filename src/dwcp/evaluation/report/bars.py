"""Panels of horizontal bars with interval whiskers, as SVG."""

from dwcp.evaluation.report.marks import shortened, text_width
from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.scales import Scale, number_text, scale_for
from dwcp.evaluation.report.sections import Bar, BarChart, BarGroup

__all__ = ["bar_key", "bar_panels"]

_WIDTH = 370.0
_ROW = 30.0
_BAR = 14.0
_TOP = 4.0
_BOTTOM = 24.0
_FONT = 13.0
_BOLD_FONT = 13.8
_MOST_FOR_NAMES = 156.0
_MOST_FOR_VALUES = 110.0


def bar_panels(chart: BarChart, ident: str) -> Markup:
    """One panel a group; names and values stand in columns that line up from panel to panel."""
    bars = [bar for group in chart.groups for bar in group.bars]
    names = min(max(text_width(bar.name, _BOLD_FONT) for bar in bars) + 10, _MOST_FOR_NAMES)
    values = min(max(text_width(bar.text, _FONT) for bar in bars) + 12, _MOST_FOR_VALUES)
    panels = (
        element(
            "div",
            element("p", group.name, class_="panel-title"),
            _panel(chart, group, f"{ident}_{place}", names, _WIDTH - values),
            class_="panel",
        )
        for place, group in enumerate(chart.groups)
    )
    return element("div", join(panels), class_="panels")


def bar_key(chart: BarChart) -> str:
    """A line that says what panels, hatching and whiskers stand for, where they occur."""
    bars = [bar for group in chart.groups for bar in group.bars]
    parts = [f"Values in {chart.unit}."] if chart.unit else []
    if len(chart.groups) > 1:
        parts.append("Each panel has its own scale.")
    if any(bar.role == "bound" for bar in bars):
        parts.append("Hatched: a bound that only hindsight reaches.")
    if any(bar.low is not None and bar.high is not None for bar in bars):
        parts.append("Whiskers: confidence interval.")
    return " ".join(parts)


def _panel(chart: BarChart, group: BarGroup, ident: str, left: float, right: float) -> Markup:
    reach = [value for bar in group.bars for value in (bar.value, bar.high) if value is not None]
    scale = scale_for([*reach, 0.0], "linear", left, right - 6, most_ticks=3).cut_at(max(reach))
    bottom = _TOP + _ROW * len(group.bars)
    return element(
        "svg",
        element("title", f"{chart.title}: {group.name}", id=f"{ident}_title"),
        element("desc", "; ".join(_sentence(bar) for bar in group.bars), id=f"{ident}_desc"),
        _hatch(ident),
        _grid(scale, bottom),
        *(_bar(bar, scale, _TOP + _ROW * (row + 0.5), ident) for row, bar in enumerate(group.bars)),
        element("line", class_="axis", x1=left, x2=left, y1=_TOP, y2=bottom),
        viewBox=f"0 0 {_WIDTH:.0f} {bottom + _BOTTOM:.0f}",
        role="img",
        aria_labelledby=f"{ident}_title {ident}_desc",
    )


def _hatch(ident: str) -> Markup:
    stripe = element("path", class_="hatch", d="M0 0V6")
    pattern = element(
        "pattern",
        stripe,
        id=f"{ident}_hatch",
        width=5,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return element("defs", pattern)


def _grid(scale: Scale, bottom: float) -> Markup:
    drawn = []
    for tick in scale.ticks:
        x = scale.place(tick)
        drawn.append(element("line", class_="grid", x1=x, x2=x, y1=_TOP, y2=bottom))
        drawn.append(
            element("text", number_text(tick), class_="tick", x=x, y=bottom + 16, text_anchor="middle")
        )
    return element("g", join(drawn), aria_hidden="true")


def _bar(bar: Bar, scale: Scale, middle: float, ident: str) -> Markup:
    start, end = scale.place(0.0), scale.place(bar.value)
    name = shortened(bar.name, _BOLD_FONT, start - 8)
    return element(
        "g",
        element("title", _sentence(bar)),
        element("text", name, x=0, y=middle + 4.5),
        element(
            "rect",
            x=start,
            y=middle - _BAR / 2,
            width=max(end - start, 0.75),
            height=_BAR,
            rx=1.5,
            fill=f"url(#{ident}_hatch)" if bar.role == "bound" else None,
        ),
        _whisker(bar, scale, middle),
        element(
            "text",
            shortened(bar.text, _FONT, _MOST_FOR_VALUES),
            x=_WIDTH,
            y=middle + 4.5,
            text_anchor="end",
        ),
        class_=f"bar {bar.role}",
    )


def _whisker(bar: Bar, scale: Scale, middle: float) -> Markup:
    if bar.low is None or bar.high is None:
        return Markup()
    low, high = scale.place(bar.low), scale.place(bar.high)
    top, bottom = middle - 4, middle + 4
    ends = (f"M{end:.2f} {top:.2f}V{bottom:.2f}" for end in (low, high))
    path = f"M{low:.2f} {middle:.2f}H{high:.2f}{''.join(ends)}"
    return join((element("path", class_="halo", d=path), element("path", class_="whisker", d=path)))


def _sentence(bar: Bar) -> str:
    if bar.low is None or bar.high is None:
        return f"{bar.name}: {bar.text}"
    return f"{bar.name}: {bar.text}, interval {number_text(bar.low)} to {number_text(bar.high)}"
