"""The part of the page that a task has to itself."""

import re

from dwcp.serving.counts import LATENCY_BOUNDS_MS
from dwcp.serving.metrics import RolloutView
from dwcp.serving.page import words
from dwcp.serving.page.charts import bar, histogram
from dwcp.serving.page.data import DecisionView, LatencyView, ModelView, TaskView
from dwcp.serving.page.figures import accuracy_figure, regret_figure
from dwcp.serving.page.markup import Child, Markup, element
from dwcp.serving.page.tables import badge, table

__all__ = ["task_id", "task_section"]

_CLOSED = "closed"


def task_id(name: str) -> str:
    """The anchor of a task's part."""
    return f"task-{re.sub('[^a-z0-9_-]', '-', name.lower())}"


def task_section(task: TaskView, now_s: float, *, is_open: bool) -> Markup:
    """One task, to be folded and unfolded.

    Args:
        task: the task.
        now_s: seconds since 1970.
        is_open: whether it is unfolded at first.
    """
    anchor = task_id(task.name)
    summary = element(
        "summary",
        element("h3", task.name, id=f"{anchor}-name"),
        element("span", _in_short(task), class_="short", data_live=f"{anchor}-short"),
    )
    body = element("div", _cards(task, now_s), class_="cards", data_live=anchor)
    return element(
        "section",
        element("details", summary, body, id=anchor, open=is_open),
        aria_labelledby=f"{anchor}-name",
        class_="task",
    )


def _in_short(task: TaskView) -> Child:
    if not task.hints:
        return "nothing asked yet"
    return f"{words.count(task.hints)} hints, {words.percent(task.by_model)} by the model"


def _cards(task: TaskView, now_s: float) -> Child:
    return (
        _card("Models", _models(task), wide=True),
        _card("Decisions", _decisions(task)),
        _card("Latency", _latency(task.latency)),
        _card("Accuracy", accuracy_figure(task)),
        _card("Regret", regret_figure(task)),
        _card("Safety", _safety(task, now_s), wide=True),
    )


def _card(title: str, content: Child, *, wide: bool = False) -> Markup:
    return element(
        "section", element("h4", title), content, class_="card wide" if wide else "card", aria_label=title
    )


def _models(task: TaskView) -> Child:
    answers = element("p", "Answers now: ", element("strong", task.serving), class_="lead")
    if not task.models:
        return answers, element("p", "The registry has no model of this task.", class_="none")
    return answers, table(
        f"Models of {task.name}",
        ("Role", "Version", "Age", "Gates", "Breaker", "Accuracy, 24 h", "Digest"),
        [_model_row(model) for model in task.models],
        numbers={2, 5},
    )


def _model_row(model: ModelView) -> list[Child]:
    return [
        model.role,
        element("strong", model.version),
        words.age(model.age_s),
        model.gates,
        badge(model.breaker, alarming=model.breaker != _CLOSED) if model.breaker else "not loaded",
        words.percent(model.accuracy),
        element("code", model.digest or words.UNKNOWN),
    ]


def _decisions(task: TaskView) -> Child:
    if not task.decisions:
        return element("p", "Nothing was asked yet.", class_="none")
    return table(
        f"Hints of {task.name} by reason",
        ("Reason", "Share", "Hints", "%"),
        [_decision_row(one) for one in task.decisions],
        numbers={2, 3},
        kind="bars",
    )


def _decision_row(one: DecisionView) -> list[Child]:
    return [one.reason, bar(one.share, one.by_model), words.count(one.count), words.percent(one.share)]


def _latency(latency: LatencyView | None) -> Child:
    if latency is None:
        return element("p", "Nothing was asked yet.", class_="none")
    p50, p99 = words.milliseconds(latency.p50_ms), words.milliseconds(latency.p99_ms)
    label = f"Hints by how long they took: half within {p50}, 99 of 100 within {p99}"
    return (
        element("dl", _figure("p50", p50), _figure("p99", p99), class_="figures"),
        element(
            "figure",
            histogram(latency.counts, label),
            element(
                "div",
                element("span", f"{LATENCY_BOUNDS_MS[0]:g}\u00a0ms"),
                element("span", f"{LATENCY_BOUNDS_MS[len(LATENCY_BOUNDS_MS) // 2]:g}\u00a0ms"),
                element("span", f">\u00a0{LATENCY_BOUNDS_MS[-1]:g}\u00a0ms"),
                class_="axis",
                aria_hidden="true",
            ),
            class_="plain",
        ),
    )


def _safety(task: TaskView, now_s: float) -> Child:
    drifted = ", ".join(task.drifted)
    facts = element(
        "dl",
        _figure("Gain over the rule, 24 h", words.signed_percent(task.gain_pct)),
        _figure("Drift", badge(drifted, alarming=True) if drifted else "none seen"),
        class_="figures",
    )
    if not task.rollouts:
        return facts, element("p", "No rollout is under way.", class_="none")
    return facts, table(
        f"Rollouts of {task.name}",
        ("Candidate", "Region", "Stage", "For", "Why"),
        [_rollout_row(one, now_s) for one in task.rollouts],
        numbers={3},
    )


def _rollout_row(one: RolloutView, now_s: float) -> list[Child]:
    back = one.stage.value == "rolled_back"
    return [
        element("strong", one.version),
        one.region,
        badge(one.stage.words, alarming=back),
        words.age(max(0.0, now_s - one.since_s)),
        one.why,
    ]


def _figure(name: str, value: Child) -> Markup:
    return element("div", element("dt", name), element("dd", value))
