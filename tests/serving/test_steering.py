"""Questions sent to versions, and what is heard of them."""
# ruff: noqa: ARG002 - a stand-in takes what its protocol hands it

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError
from dwcp.serving import Hint, Reason
from dwcp.serving.steering import CHAMPION, Route
from dwcp.task import Verdict


@dataclass
class Fixed:
    """Sends every question the same way."""

    to: Route = CHAMPION
    units: list[tuple[str, str, str]] = field(default_factory=list)
    hints: list[tuple[Route, Hint[Any]]] = field(default_factory=list)
    verdicts: list[tuple[Route, Verdict]] = field(default_factory=list)
    shadows: list[tuple[Hint[Any], Hint[Any]]] = field(default_factory=list)
    shadow_verdicts: list[Verdict] = field(default_factory=list)

    def route(self, task_name: str, unit: str, region: str) -> Route:
        self.units.append((task_name, unit, region))
        return self.to

    def answered(self, task_name: str, route: Route, context: Any, hint: Hint[Any]) -> None:
        self.hints.append((route, hint))

    def judged(self, task_name: str, route: Route, verdict: Verdict, version: str) -> None:
        self.verdicts.append((route, verdict))

    def shadowed(self, task_name: str, route: Route, hint: Hint[Any], candidate: Hint[Any]) -> None:
        self.shadows.append((hint, candidate))

    def shadow_judged(self, task_name: str, route: Route, verdict: Verdict) -> None:
        self.shadow_verdicts.append(verdict)


@pytest.fixture
def steering(world: Any) -> Fixed:
    made = Fixed()
    world.advisor = world.new_advisor(steering=made)
    world.serve()
    world.advisor.load_beside("toy", world.publish((100, 0, 100)))
    return made


def test_units_and_regions_are_handed_on(world: Any, steering: Fixed) -> None:
    world.advisor.ask("toy", world.context(), unit="path 7", region="eu")
    assert steering.units == [("toy", "path 7", "eu")]


@pytest.mark.parametrize(
    ("to", "action", "reason", "version"),
    [
        (CHAMPION, "none", Reason.MODEL, "1.0.0"),
        (Route("1.1.0"), "lz4", Reason.MODEL, "1.1.0"),
        (Route("9.9.9"), "none", Reason.MODEL, "1.0.0"),
        (Route("", Reason.ROLLOUT_CONTROL, "outside the rollout"), "zstd", Reason.ROLLOUT_CONTROL, "1.0.0"),
        (Route("", Reason.KILL_SWITCH, "an operator"), "zstd", Reason.KILL_SWITCH, "1.0.0"),
    ],
)
def test_the_route_decides_who_answers(
    world: Any, steering: Fixed, to: Route, action: str, reason: Reason, version: str
) -> None:
    steering.to = to
    hint = world.advisor.ask("toy", world.context())
    assert (hint.action, hint.reason, hint.detail) == (action, reason, to.detail)
    assert hint.model.version == version
    assert steering.hints == [(to, hint)]


def test_outcomes_go_to_whoever_answered(world: Any, steering: Fixed) -> None:
    steering.to = Route("1.1.0")
    context = world.context()
    world.advisor.ask("toy", context)
    world.advisor.observe("toy", context, "lz4", 1.0)
    champion, candidate = world.task.learned_policies
    assert (champion.seen, candidate.seen, world.task.rule.seen) == (0, 1, 1)
    assert steering.verdicts == [(steering.to, Verdict())]


def test_an_outcome_is_judged_once_and_only_of_what_was_asked(world: Any, steering: Fixed) -> None:
    context = world.context()
    world.advisor.ask("toy", context)
    for told in (context, context, world.context()):
        world.advisor.observe("toy", told, "none", 1.0)
    assert len(steering.verdicts) == 1
    assert world.task.learned_policies[0].seen == 3


def test_what_a_task_says_of_an_outcome_is_handed_on(
    world: Any, steering: Fixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(context: Any, action: str, outcome: float) -> Verdict:
        if outcome < 0:
            raise ValueError("a negative cost")
        return Verdict(action == "none", outcome)

    monkeypatch.setattr(type(world.task), "verdict", staticmethod(judge), raising=False)
    for cost in (2.0, -1.0):
        context = world.context()
        world.advisor.observe("toy", context, world.advisor.ask("toy", context).action, cost)
    assert [verdict for _, verdict in steering.verdicts] == [Verdict(True, 2.0), Verdict()]


def test_a_version_beside_may_leave_and_come_into_service(world: Any, steering: Fixed) -> None:
    steering.to = Route("1.1.0")
    assert world.advisor.load("toy", "1.1.0").version == "1.1.0"
    assert world.advisor.slots()["toy"].beside == {}
    world.advisor.load("toy", "1.0.0")
    assert world.advisor.ask("toy", world.context()).model.version == "1.0.0"
    world.advisor.load_beside("toy", "1.1.0")
    world.advisor.leave("toy", "1.1.0")
    assert world.advisor.ask("toy", world.context()).model.version == "1.0.0"


def test_a_version_that_is_refused_changes_nothing(world: Any, steering: Fixed) -> None:
    with pytest.raises(ArtifactNotFoundError):
        world.advisor.load_beside("toy", "4.0.0")
    world.publish()
    folder = world.registry.load("toy").folder
    (folder / "model.onnx").write_bytes(b"changed")
    with pytest.raises(ArtifactRefusedError):
        world.advisor.load_beside("toy", "champion")
    assert list(world.advisor.slots()["toy"].beside) == ["1.1.0"]
    assert world.advisor.ask("toy", world.context()).reason is Reason.MODEL


def test_a_shadow_is_asked_and_judged_and_never_used(
    world: Any, steering: Fixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(world.task),
        "verdict",
        staticmethod(lambda _, action, outcome: Verdict(action == outcome)),
        raising=False,
    )
    steering.to = Route(shadow="1.1.0")
    context = world.context()
    hint = world.advisor.ask("toy", context)
    assert (hint.action, hint.model.version) == ("none", "1.0.0")
    assert world.advisor.drained()
    [(used, candidate)] = steering.shadows
    assert used is hint
    assert (candidate.action, candidate.reason, candidate.model.version) == ("lz4", Reason.MODEL, "1.1.0")
    world.advisor.observe("toy", context, "none", "lz4")
    assert [verdict for _, verdict in steering.verdicts] == [Verdict(False)]
    assert steering.shadow_verdicts == [Verdict(True)]
    assert [policy.seen for policy in world.task.learned_policies] == [1, 1]


def test_an_outcome_before_the_shadow_has_answered_is_judged_when_it_has(
    world: Any, steering: Fixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(_: Any, action: str, outcome: str) -> Verdict:
        return Verdict(action == outcome)

    monkeypatch.setattr(type(world.task), "verdict", staticmethod(judge), raising=False)
    go_on = threading.Event()

    def wait(answers: Any, stopped: Any) -> Any:
        assert go_on.wait(20.0)
        return answers

    world.graph.fault = wait
    steering.to = Route(shadow="1.1.0")
    context = world.context()
    world.advisor.ask("toy", context)
    world.advisor.observe("toy", context, "none", "lz4")
    assert [verdict for _, verdict in steering.verdicts] == [Verdict(False)]
    assert (steering.shadows, steering.shadow_verdicts) == ([], [])
    go_on.set()
    assert world.advisor.drained()
    assert steering.shadow_verdicts == [Verdict(True)]
    assert [policy.seen for policy in world.task.learned_policies] == [1, 1]


def test_a_shadow_that_fails_harms_nobody(world: Any, steering: Fixed) -> None:
    steering.to = Route(shadow="1.1.0")
    world.graph.fault = world.fail
    context = world.context()
    assert world.advisor.ask("toy", context).reason is Reason.MODEL
    assert world.advisor.drained()
    [(_, candidate)] = steering.shadows
    assert (candidate.action, candidate.reason) == (None, Reason.FALLBACK_ERROR)
    world.advisor.observe("toy", context, "none", 1.0)
    assert steering.shadow_verdicts == []


def test_shadows_that_come_too_fast_are_dropped_and_counted(world: Any, steering: Fixed) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait(answers: Any, stopped: Any) -> Any:
        entered.set()
        assert go_on.wait(20.0)
        return answers

    world.graph.fault = wait
    steering.to = Route(shadow="1.1.0")
    world.advisor.ask("toy", world.context())
    assert entered.wait(20.0)
    for _ in range(300):
        assert world.advisor.ask("toy", world.context()).reason is Reason.MODEL
    assert world.advisor.shadows_dropped() == 300 - 256
    world.graph.fault = None
    go_on.set()
    assert world.advisor.drained()
    assert len(steering.shadows) == 1 + 256
