from pathlib import Path
from types import SimpleNamespace

from dwcp.safety.drift import ColumnDrift, DriftLevel, DriftReport, OutcomeDrift
from dwcp.safety.drift.sketch import Role
from dwcp.safety.experiments import Arm, ExperimentBook, ExperimentPlan, Metric
from dwcp.safety.rollout import Region, RolloutState, Stage, Start, usual_plan
from dwcp.safety.rollout.gates import Metric as Gated
from dwcp.serving.metrics import drift_views, experiment_views, rollout_views


def test_every_region_of_a_rollout_is_shown_and_none_where_nothing_was_started() -> None:
    plan = usual_plan([Gated.ACCURACY], waves=(("eu",), ("us",)))
    regions = {
        "eu": Region(Stage.CANARY_5, 50.0, 2, "every gate passes"),
        "us": Region(Stage.PENDING, 10.0, 1, "started"),
    }
    state = RolloutState(Start("1.1.0", "1.0.0", plan), 10.0, regions)
    told = rollout_views(
        [SimpleNamespace(task="toy", state=state), SimpleNamespace(task="other", state=None)]
    )
    assert [(one.region, one.version, one.stage, one.since_s) for one in told] == [
        ("eu", "1.1.0", Stage.CANARY_5, 50.0),
        ("us", "1.1.0", Stage.PENDING, 10.0),
    ]


def test_an_experiment_is_shown_with_what_is_recommended(tmp_path: Path) -> None:
    book = ExperimentBook(tmp_path)
    book.create(ExperimentPlan("first", (Arm("control"), Arm("model")), Metric("seconds")))
    book.start("first", 0.25, now=1.0, who="test", why="test")
    [told] = experiment_views(book)
    assert (told.name, told.state, told.traffic, told.metric) == ("first", "running", 0.25, "seconds")
    assert [(arm.name, arm.units, arm.effect) for arm in told.arms] == [
        ("control", 0, ""),
        ("model", 0, "too little data"),
    ]
    assert told.verdict == "continue"
    assert told.why


def test_only_what_is_called_drift_scores_one_or_more() -> None:
    columns = (
        ColumnDrift("moved", Role.INPUT, "numeric", DriftLevel.DRIFT, 900, 0.0, 0.5, 0.1, 1e-9),
        ColumnDrift("chance", Role.INPUT, "numeric", DriftLevel.NONE, 900, 0.0, 0.5, 0.1, 0.5),
        ColumnDrift("new", Role.PREDICTION, "numeric", DriftLevel.TOO_LITTLE, 3, 0.0),
    )
    calm = OutcomeDrift(DriftLevel.TOO_LITTLE, 3, 0.1, 0.0)
    loud = OutcomeDrift(DriftLevel.DRIFT, 3000, 0.1, 1.4)
    told = drift_views({"a": DriftReport(0.0, columns, calm), "b": DriftReport(0.0, (), loud)})
    assert [(one.task, one.kind, one.name, one.score) for one in told] == [
        ("a", "input", "moved", 2.0),
        ("a", "input", "chance", 0.99),
        ("b", "outcome", "regret", 1.4),
    ]
