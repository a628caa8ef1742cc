"""Kill switches, rollouts, experiments and shadows at the asking path."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dwcp.safety.experiments import Arm, ExperimentPlan, Metric, MetricKind
from dwcp.safety.rollout import Metric as GateMetric
from dwcp.safety.rollout import RolloutGate, RolloutPlan, Stage, StageTerms, Start
from dwcp.safety.rollout.stages import STAGES
from dwcp.safety.shadow import read_shadow_log
from dwcp.serving import Hint, Reason
from dwcp.serving.helm import Helm
from dwcp.task import Verdict

UNITS = [f"link-{number}" for number in range(400)]
WHO = {"who": "test", "why": "test"}
MEASURED = frozenset({GateMetric.ERROR_RATE, GateMetric.ACCURACY})
GATES = (
    RolloutGate(GateMetric.ERROR_RATE, 0.05, samples=10, breach_samples=10),
    RolloutGate(GateMetric.ACCURACY, 0.9, samples=10, breach_samples=10),
)


@pytest.fixture
def world(world: Any, tmp_path: Path) -> Any:
    """A champion, a candidate beside it, and a helm at the wheel; the task judges by equality."""
    world.now = 1000.0
    world.heard = []
    world.home = tmp_path
    world.helm = new_helm(world)
    world.advisor = world.new_advisor(steering=world.helm)
    world.serve()
    world.candidate = world.publish((100, 0, 100))
    world.advisor.load_beside("toy", world.candidate)
    type(world.task).verdict = staticmethod(lambda _, action, outcome: Verdict(action == outcome, 0.0))
    yield world
    del type(world.task).verdict


def new_helm(world: Any) -> Helm:
    def heard(task: str, version: str, verdict: Verdict, *, control: bool, now: float) -> None:
        world.heard.append((version, verdict.correct, control))

    return Helm(world.home, ["toy"], heard=heard, clock=lambda: world.now)


def roll_out(world: Any, control: str | None = "1.0.0", hold_s: float = 10.0) -> None:
    terms = StageTerms(hold_s, 10, GATES)
    plan = RolloutPlan(dict.fromkeys(STAGES, terms))
    start = Start(world.candidate, control, plan)
    world.helm.rollouts["toy"].start(start, MEASURED, now=world.now, **WHO)


def ask(world: Any, unit: str, truth: str | None = None) -> Hint[Any]:
    context = world.context()
    hint = world.advisor.ask("toy", context, unit=unit)
    if truth is not None:
        assert world.advisor.drained()
        world.advisor.observe("toy", context, hint.action, truth)
    return hint


def ask_all(world: Any, truth: str | None = None) -> Counter[Any]:
    return Counter(ask(world, unit, truth).action for unit in UNITS)


def pass_stage(world: Any, truth: str) -> Stage:
    ask_all(world, truth)
    world.now += 20.0
    world.helm.tick()
    state = world.helm.rollouts["toy"].state
    return state.regions["default"].stage


def test_without_anything_the_champion_answers(world: Any) -> None:
    assert ask_all(world, "none") == {"none": 400}
    assert world.heard[0] == ("1.0.0", True, False)


def test_a_kill_switch_gives_all_to_the_rule_and_back(world: Any) -> None:
    world.helm.switches.engage(None, now=world.now, **WHO)
    hint = ask(world, "link-1", "zstd")
    assert world.heard == [("", True, True)]
    assert (hint.action, hint.reason) == ("zstd", Reason.KILL_SWITCH)
    assert "test" in hint.detail
    world.helm.switches.release(None, now=world.now, **WHO)
    assert ask(world, "link-1").reason is Reason.MODEL


def test_a_good_candidate_goes_from_the_shadow_to_all_units(world: Any) -> None:
    roll_out(world)
    assert ask_all(world) == {"none": 400}
    shares = []
    for stage in STAGES[1:]:
        assert pass_stage(world, "lz4") is stage
        shares.append(ask_all(world)["lz4"] / 400)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert abs(shares[1] - 0.25) < 0.1
    assert pass_stage(world, "lz4") is Stage.COMPLETE
    assert (world.candidate, True, False) in world.heard


def test_a_bad_candidate_is_rolled_back_in_the_shadow_and_was_never_used(world: Any) -> None:
    roll_out(world)
    assert pass_stage(world, "none") is Stage.ROLLED_BACK
    assert ask_all(world) == {"none": 400}
    world.helm.close()
    found = read_shadow_log(world.home / "shadow" / "decisions.jsonl")
    lines = [
        json.loads(line) for line in (world.home / "shadow" / "decisions.jsonl").read_text().splitlines()
    ]
    assert not found.bad
    assert {(line["champion_action"], line["candidate_action"]) for line in lines if "unit" in line} == {
        ("none", "lz4")
    }
    assert {line["correct"] for line in lines if "correct" in line} == {False}


def test_a_candidate_that_fails_later_is_rolled_back_with_the_reason(world: Any) -> None:
    roll_out(world)
    assert pass_stage(world, "lz4") is Stage.CANARY_5
    assert pass_stage(world, "lz4") is Stage.SHARE_25
    world.graph.fault = world.fail
    assert pass_stage(world, "none") is Stage.ROLLED_BACK
    [last] = world.helm.rollouts["toy"].history()[-1:]
    assert "error rate" in last.why
    assert ask_all(world) == {"none": 400}


def test_where_there_is_no_champion_the_rule_is_control(world: Any) -> None:
    world.advisor.load_beside("toy", world.candidate)
    roll_out(world, control=None)
    assert ask(world, "link-1").reason is Reason.ROLLOUT_CONTROL
    pass_stage(world, "lz4")
    pass_stage(world, "lz4")
    assert set(ask_all(world)) == {"lz4", "zstd"}


def test_it_goes_on_where_it_was_after_a_restart(world: Any) -> None:
    roll_out(world)
    pass_stage(world, "lz4")
    pass_stage(world, "lz4")
    before = ask_all(world)
    world.helm.close()
    world.helm = new_helm(world)
    world.advisor = world.new_advisor(steering=world.helm)
    world.advisor.load("toy", "1.0.0")
    world.advisor.load_beside("toy", world.candidate)
    assert ask_all(world) == before
    assert world.helm.candidates() == {"toy": frozenset({world.candidate})}


def test_an_experiment_splits_units_logs_each_once_and_leaves_the_rest(world: Any) -> None:
    plan = ExperimentPlan(
        "codec",
        (Arm("rule"), Arm("champion"), Arm(world.candidate)),
        Metric("correct", MetricKind.PROPORTION, higher_is_better=True),
        task="toy",
    )
    world.helm.book.create(plan)
    world.helm.book.start("codec", 0.5, now=world.now, who="test", why="test")
    assert ask_all(world) == {"none": 400}
    world.helm.tick()
    found = ask_all(world, "lz4")
    assert ask_all(world) == found
    assert set(found) == {"none", "lz4", "zstd"}
    assert 40 < found["zstd"] < 100
    world.helm.tick()
    seen, bad = world.helm.book.observations("codec")
    assert bad == 0
    assert sum(seen.exposed.values()) == pytest.approx(200, abs=50)
    world.helm.book.stop("codec", now=world.now, who="test", why="test")
    world.helm.tick()
    assert ask_all(world) == {"none": 400}


def test_questions_on_nobodys_behalf_take_no_part_in_experiments(world: Any) -> None:
    plan = ExperimentPlan("codec", (Arm("rule"), Arm(world.candidate)), Metric("regret"), task="toy")
    world.helm.book.create(plan)
    world.helm.book.start("codec", 1.0, now=world.now, who="test", why="test")
    world.helm.tick()
    assert ask(world, "").action == "none"


def test_a_candidate_that_is_not_loaded_yet_is_not_blamed_for_others(world: Any) -> None:
    roll_out(world)
    pass_stage(world, "lz4")
    world.advisor.leave("toy", world.candidate)
    assert ask_all(world) == {"none": 400}
    world.now += 20.0
    world.helm.tick()
    [standing] = world.helm.rollouts["toy"].standings(world.now).values()
    assert standing.region.stage is Stage.CANARY_5
    assert all(finding.count == 0 for finding in standing.findings)
