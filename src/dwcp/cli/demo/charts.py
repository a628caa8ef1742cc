"""The demo's charts."""

from collections.abc import Sequence
from typing import Literal

from dwcp.cli.demo.judging import Judged
from dwcp.cli.demo.mix import CodecSum
from dwcp.cli.demo.telling import MODEL_TITLES
from dwcp.cli.demo.writing import link_text, seconds_text
from dwcp.evaluation.report import Axis, Bar, BarChart, BarGroup, LineChart, Point, Scatter, Series

__all__ = ["above_oracle_chart", "codec_chart", "seconds_chart"]

_LEAST_PERCENT = 0.01
"""Drawn for a policy that equals the oracle: a logarithmic axis has no zero."""


def seconds_chart(judged: Sequence[Judged], subject: str) -> BarChart:
    """The time of every policy, one panel a link."""
    return BarChart(
        f"Time for the files kept aside, {MODEL_TITLES[judged[0].point.cost_model]}",
        "Shorter is better. Whiskers: 95 % interval of what is needed above the oracle, the best possible "
        "choice for every block, which is known only afterwards.",
        "seconds",
        tuple(
            BarGroup(
                link_text(one.point.bandwidth_mbps), tuple(_bar(one, name, subject) for name in one.seconds)
            )
            for one in judged
        ),
    )


def above_oracle_chart(judged: Sequence[Judged]) -> LineChart:
    """How far each policy is from the oracle, from link to link."""
    names = [name for name in judged[0].seconds if name != "oracle"]
    return LineChart(
        "How much longer than the best possible",
        f"Lower is better; {MODEL_TITLES[judged[0].point.cost_model]}. Whiskers: 95 % interval.",
        Axis("Link, Mbit/s", "log"),
        Axis("Time above the oracle's, %", "log"),
        tuple(Series(name, tuple(_point(one, name) for one in judged)) for name in names),
    )


def codec_chart(codecs: Sequence[CodecSum]) -> Scatter:
    """The trade-off that every choice is about."""
    series: dict[str, list[Point]] = {}
    for codec in codecs:
        point = Point(codec.mb_per_s, codec.ratio, codec.action.name)
        series.setdefault(codec.action.codec, []).append(point)
    return Scatter(
        "Stronger is slower: each codec over all measured blocks",
        "Each point is a codec at a level: further right it is faster, further up it makes data smaller.",
        Axis("Compressing speed of one core, MB/s", "log"),
        Axis("Plain bytes over stored bytes"),
        tuple(Series(name, tuple(points)) for name, points in series.items()),
    )


def _bar(judged: Judged, name: str, subject: str) -> Bar:
    seconds = judged.seconds[name]
    title = f"{name}: {judged.fixed_codec}" if name == "best fixed" else name
    if name == "oracle":
        return Bar(title, seconds, seconds_text(seconds), role="bound")
    above, least = judged.above_oracle[name], judged.seconds["oracle"]
    low, high = least * (1 + above.low), least * (1 + above.high)
    role: Literal["plain", "focus"] = "focus" if name == subject else "plain"
    if not 0 <= low <= high < float("inf"):
        return Bar(title, seconds, seconds_text(seconds), role=role)
    return Bar(title, seconds, seconds_text(seconds), low, high, role)


def _point(judged: Judged, name: str) -> Point:
    above = judged.above_oracle[name]
    percent, low, high = (
        max(100 * value, _LEAST_PERCENT) for value in (above.estimate, above.low, above.high)
    )
    if high == float("inf"):
        return Point(judged.point.bandwidth_mbps, percent)
    return Point(judged.point.bandwidth_mbps, percent, "", low, high)
