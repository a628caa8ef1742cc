"""Charts with what belongs around them: legend, scale, axis, and the same in words."""

from collections.abc import Callable, Sequence

from dwcp.serving.metrics import ForecastPoint
from dwcp.serving.page import words
from dwcp.serving.page.charts import band_chart, lines_chart, span_of
from dwcp.serving.page.data import Course, TaskView
from dwcp.serving.page.markup import Child, Markup, element

__all__ = ["accuracy_figure", "forecast_figure", "regret_figure"]


def accuracy_figure(task: TaskView) -> Child:
    """Share of right answers over the last day.

    Args:
        task: of which task.
    """
    span = span_of(task.accuracy.model, task.accuracy.control, least=0.0, most=1.0)
    return _course(task.accuracy, span, "accuracy", words.percent)


def regret_figure(task: TaskView) -> Child:
    """Mean regret over the last day.

    Args:
        task: of which task.
    """
    span = span_of(task.regret.model, task.regret.control, [0.0], least=0.0)
    return _course(
        task.regret,
        span,
        "regret against the best in hindsight",
        lambda figure: words.figure(figure, task.cost_unit),
    )


def forecast_figure(path: str, points: Sequence[ForecastPoint]) -> Child:
    """What came, over the interval that was forecast.

    Args:
        path: which link.
        points: oldest first.
    """
    if len(points) < 2:
        return element("p", "No forecast was held against what came yet.", class_="none")
    last = points[-1]
    inside = sum(point.low_mbps <= point.actual_mbps <= point.high_mbps for point in points) / len(points)
    rates = [rate for point in points for rate in (point.low_mbps, point.high_mbps, point.actual_mbps)]
    span = span_of(rates, least=0.0)
    label = (
        f"Throughput was {words.mbps(last.actual_mbps)} when {words.mbps(last.low_mbps)} to "
        f"{words.mbps(last.high_mbps)} were forecast; {words.percent(inside)} of the last {len(points)} "
        f"lay inside"
    )
    return (
        element("p", "Link ", element("strong", path), class_="lead") if path else None,
        element(
            "dl",
            _figure("Came", words.mbps(last.actual_mbps)),
            _figure("Forecast", words.mbps(last.mid_mbps)),
            _figure("90\u00a0% interval", f"{last.low_mbps:,.0f} to {words.mbps(last.high_mbps)}"),
            _figure("Inside", words.percent(inside)),
            class_="figures",
        ),
        _framed(
            band_chart(points, span, label),
            span,
            words.mbps,
            (("actual", "came"), ("middle", "forecast"), ("band", "90\u00a0% interval")),
            (words.utc(points[0].at_s), words.utc(last.at_s)),
        ),
    )


def _course(
    course: Course, span: tuple[float, float], what: str, told: Callable[[float | None], str]
) -> Child:
    if not course.told:
        return element("p", "No outcome told anything of this yet.", class_="none")
    ours, theirs = told(course.model_day), told(course.control_day)
    label = f"The model's {what} over the last 24 hours is {ours}, the rule's {theirs}"
    return (
        element("dl", _figure("Model, 24 h", ours), _figure("Rule, 24 h", theirs), class_="figures"),
        _framed(
            lines_chart(course, span, label),
            span,
            told,
            (("model", "model"), ("control", "rule")),
            ("24 h ago", "now"),
        ),
    )


def _framed(
    chart: Markup,
    span: tuple[float, float],
    told: Callable[[float | None], str],
    legend: Sequence[tuple[str, str]],
    ends: tuple[str, str],
) -> Markup:
    low, high = span
    scale = element(
        "div", element("span", told(high)), element("span", told(low)), class_="scale", aria_hidden="true"
    )
    axis = element(
        "div", element("span", ends[0]), element("span", ends[1]), class_="axis", aria_hidden="true"
    )
    key = element(
        "figcaption",
        [element("span", element("i", class_=f"key {kind}"), name) for kind, name in legend],
        class_="legend",
    )
    return element("figure", scale, chart, axis, key)


def _figure(name: str, value: str) -> Markup:
    return element("div", element("dt", name), element("dd", value))
