"""The page as a whole, and the part of it that changes."""

import dwcp
from dwcp.serving.metrics import ExperimentView
from dwcp.serving.page import words
from dwcp.serving.page.data import PageData, TaskView
from dwcp.serving.page.figures import forecast_figure
from dwcp.serving.page.form import sign_out_form
from dwcp.serving.page.frame import framed
from dwcp.serving.page.markup import Child, Markup, element, joined
from dwcp.serving.page.tables import badge, table
from dwcp.serving.page.tasks import task_id, task_section

__all__ = ["CONTENT", "LIVE", "PAGE", "SCRIPT", "content", "document"]

PAGE = "/"
SCRIPT = "/page/live.js"
LIVE = "/page/live"
CONTENT = "content"
"""Id of the part that changes."""
_RELOAD_S = "10"


def document(data: PageData, sign_out: str = "") -> str:
    """The whole page.

    Args:
        data: what it shows.
        sign_out: where whoever looks at it signs out; nothing where they never signed in.
    """
    body = element(
        "body",
        element("a", "Skip to the content", href=f"#{CONTENT}", class_="skip"),
        _header(data, sign_out),
        element("main", content(data), id=CONTENT, tabindex="-1", data_source=LIVE),
        element(
            "footer",
            f"dwcp {dwcp.__version__}. The same figures for Prometheus: ",
            element("a", "/metrics", href="/metrics"),
        ),
    )
    return framed(
        "DWCP",
        body,
        element("script", src=SCRIPT, defer=True),
        element("noscript", element("meta", http_equiv="refresh", content=_RELOAD_S)),
    )


def content(data: PageData) -> Markup:
    """The part that changes; what has a ``data-live`` is exchanged by itself.

    Args:
        data: what it shows.
    """
    busiest = max(data.tasks, key=lambda task: task.hints, default=None)
    return joined(
        (
            element("div", _problems(data), data_live="problems"),
            _overview(data),
            _forecasts(data),
            element(
                "section",
                element("h2", "Tasks", id="tasks"),
                [task_section(task, data.now_s, is_open=task is busiest) for task in data.tasks],
                aria_labelledby="tasks",
            ),
            _experiments(data),
        )
    )


def _header(data: PageData, sign_out: str) -> Markup:
    links = [element("li", element("a", task.name, href=f"#{task_id(task.name)}")) for task in data.tasks]
    return element(
        "header",
        element(
            "div",
            element("h1", "DWCP"),
            element(
                "p",
                element("span", "As of ", id="state", role="status"),
                element("span", words.utc(data.now_s), id="moment"),
                class_="state",
            ),
            sign_out_form(sign_out) if sign_out else None,
            class_="title",
        ),
        element("nav", element("ul", links), aria_label="Tasks"),
    )


def _problems(data: PageData) -> Child:
    return [element("p", badge("cannot be read", alarming=True), " ", told) for told in data.problems]


def _overview(data: PageData) -> Markup:
    rows = [_overview_row(task) for task in data.tasks]
    names = (
        *("Task", "Answers now", "Hints", "By the model", "p99"),
        *("Accuracy, 24 h", "Gain, 24 h", "Breaker", "Rollout"),
    )
    return element(
        "section",
        element("h2", "Overview", id="overview"),
        element(
            "div",
            table("Every task in one line", names, rows, numbers={2, 3, 4, 5, 6}, kind="stacked overview"),
            data_live="overview",
        ),
        aria_labelledby="overview",
    )


def _overview_row(task: TaskView) -> list[Child]:
    breakers = [model.breaker for model in task.models if model.breaker]
    worst = next((one for one in breakers if one != "closed"), breakers[0] if breakers else "")
    rollouts = [badge(one.stage.words, alarming=one.stage.value == "rolled_back") for one in task.rollouts]
    return [
        element("a", task.name, href=f"#{task_id(task.name)}"),
        task.serving.partition(":")[0],
        words.count(task.hints),
        words.percent(task.by_model),
        words.milliseconds(None if task.latency is None else task.latency.p99_ms),
        words.percent(task.accuracy.model_day),
        words.signed_percent(task.gain_pct),
        badge(worst, alarming=worst != "closed") if worst else words.UNKNOWN,
        rollouts or words.UNKNOWN,
    ]


def _forecasts(data: PageData) -> Markup | None:
    if not data.forecasts:
        return None
    return element(
        "section",
        element("h2", "Bandwidth, forecast and measured", id="forecasts"),
        element("div", forecast_figure(data.path, data.forecasts), class_="card tall", data_live="forecasts"),
        aria_labelledby="forecasts",
    )


def _experiments(data: PageData) -> Markup | None:
    if data.experiments is None:
        return None
    told: Child = [_experiment(one) for one in data.experiments] or element(
        "p", "There is no experiment.", class_="none"
    )
    return element(
        "section",
        element("h2", "Experiments", id="experiments"),
        element("div", told, data_live="experiments"),
        aria_labelledby="experiments",
    )


def _experiment(one: ExperimentView) -> Markup:
    verdict = badge(one.verdict, alarming=one.verdict == "rollback") if one.verdict else None
    return element(
        "div",
        element("h3", one.name),
        element(
            "p",
            f"{one.state.capitalize()} with {words.percent(one.traffic)} of the units, decided by "
            f"{one.metric}. ",
            verdict,
            f" {one.why}" if one.why else None,
        ),
        table(
            f"Arms of {one.name}",
            ("Arm", "Units", "Effect against control"),
            [[arm.name, words.count(arm.units), arm.effect or words.UNKNOWN] for arm in one.arms],
            numbers={1},
        ),
        class_="card",
    )
