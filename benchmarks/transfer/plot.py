"""First copies over links without delay: time over the limit's, by rate, as one SVG file."""

from collections.abc import Mapping, Sequence

from dwcp.evaluation.report.markup import Markup, element, join
from dwcp.evaluation.report.palette import DARK, LIGHT
from dwcp.evaluation.report.scales import Scale, number_text, scale_for

WIDTH, HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 190, 40, 52
_LINES = 8

Points = Sequence[tuple[float, float]]
"""Megabits a second, and time over the limit's."""


def plot(title: str, series: Mapping[str, Points]) -> str:
    """The drawing; at most eight series, each with its name at its right end.

    Args:
        title: what it shows.
        series: by name, the one to set off first; one without points keeps its look for itself.
    """
    drawn = [
        (place, name, sorted(points))
        for place, (name, points) in enumerate(list(series.items())[:_LINES])
        if points
    ]
    every = [point for _, _, points in drawn for point in points] or [(100.0, 1.0)]
    x = scale_for([rate for rate, _ in every], "log", _LEFT, WIDTH - _RIGHT)
    y = scale_for([1.0, *(ratio for _, ratio in every)], "log", HEIGHT - _BOTTOM, _TOP)
    body = join(
        (
            element("title", title),
            element("style", Markup(_style())),
            element("rect", class_="page", width=WIDTH, height=HEIGHT),
            element("text", title, class_="title", x=12, y=22),
            _axes(x, y),
            *(_line(place, points, x, y) for place, _, points in drawn),
            _names(drawn, y),
        )
    )
    box = f"0 0 {WIDTH} {HEIGHT}"
    svg = element("svg", body, xmlns="http://www.w3.org/2000/svg", viewBox=box, role="img")
    return f"{svg}\n"


def _axes(x: Scale, y: Scale) -> Markup:
    below = HEIGHT - _BOTTOM + 18
    drawn = [element("text", number_text(t), class_="tick middle", x=x.place(t), y=below) for t in x.ticks]
    for tick in y.ticks:
        at = y.place(tick)
        drawn.append(element("path", class_="grid", d=f"M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}"))
        drawn.append(element("text", f"{number_text(tick)}×", class_="tick end", x=_LEFT - 6, y=at + 4))
    limit = y.place(1.0)
    drawn.append(element("path", class_="limit", d=f"M{_LEFT} {limit:.1f}H{WIDTH - _RIGHT}"))
    drawn.append(element("text", "Mbit/s (log scale)", class_="tick end", x=WIDTH - _RIGHT, y=HEIGHT - 12))
    return join(drawn)


def _line(place: int, points: Points, x: Scale, y: Scale) -> Markup:
    spots = [(x.place(rate), y.place(ratio)) for rate, ratio in points]
    path = "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in spots)
    dots = (element("circle", cx=left, cy=top, r=3.5) for left, top in spots)
    return element("g", element("path", d=path), *dots, class_=f"s{place + 1}")


def _names(drawn: Sequence[tuple[int, str, Points]], y: Scale) -> Markup:
    """Each at the height of its line's end, moved apart where they would touch."""
    wanted = sorted((y.place(points[-1][1]), place, name) for place, name, points in drawn)
    written, lowest = [], 0.0
    for height, place, name in wanted:
        lowest = max(height, lowest + 16)
        mark = element("text", name, class_=f"name s{place + 1}", x=WIDTH - _RIGHT + 10, y=lowest + 4)
        written.append(mark)
    return join(written)


def _style() -> str:
    common = (
        "text{font:12px system-ui,sans-serif}.title{font-size:14px;font-weight:600}"
        ".end{text-anchor:end}.middle{text-anchor:middle}"
        "g path{fill:none;stroke-width:1.6}.s1 path{stroke-width:3}.s1{font-weight:600}"
        ".limit{stroke-dasharray:6 4}"
    )
    return common + _colors(LIGHT) + f"@media (prefers-color-scheme:dark){{{_colors(DARK)}}}"


def _colors(palette: Mapping[str, str]) -> str:
    looks = [(f".s{number}", palette[f"series-{number}"]) for number in range(1, _LINES + 1)]
    lines = "".join(
        f"{line} path{{stroke:{color}}}{line} circle,.name{line}{{fill:{color}}}" for line, color in looks
    )
    return (
        f".page{{fill:{palette['surface']}}}.title{{fill:{palette['ink']}}}.tick{{fill:{palette['soft']}}}"
        f".grid{{stroke:{palette['grid']}}}.limit{{stroke:{palette['axis']}}}{lines}"
    )
