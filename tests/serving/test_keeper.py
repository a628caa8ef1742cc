"""What follows the registry, moves rollouts and remembers over restarts."""

import json
import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import StorageError
from dwcp.safety.breaker import BreakerState
from dwcp.safety.drift import DriftLevel, DriftReport, OutcomeDrift
from dwcp.safety.rollout import Metric as GateMetric
from dwcp.safety.rollout import RolloutGate, RolloutPlan, StageTerms, Start
from dwcp.safety.rollout.stages import STAGES
from dwcp.serving import Reason
from dwcp.serving.helm import Helm
from dwcp.serving.keeper import Keeper
from dwcp.serving.metrics import MODEL, Judgements
from dwcp.task import Verdict

WHO = {"who": "test", "why": "test"}
GATES = (RolloutGate(GateMetric.ERROR_RATE, 0.05, samples=10, breach_samples=10),)


class Server:
    """An advisor, its helm and its keeper, as one process has them; what it says is kept."""

    def __init__(self, world: Any, home: Path) -> None:
        self.world = world
        self.home = home
        self.said: list[tuple[str, str]] = []
        self.judgements = Judgements(["toy"])
        self.helm = Helm(home, ["toy"], heard=self.judgements.add, clock=world.clock)
        self.advisor = world.new_advisor(steering=self.helm)
        self.keeper = self.new_keeper()

    def new_keeper(self) -> Keeper:
        return Keeper(
            self.advisor,
            self.world.registry,
            self.helm,
            self.home / "serving" / "state.json",
            also={"judgements": self.judgements},
            say=lambda event, words: self.said.append((event, words)),
            clock=self.world.clock,
        )

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.said]

    def ask(self, unit: str = "", times: int = 1) -> Any:
        return [self.advisor.ask("toy", self.world.context(), unit=unit) for _ in range(times)][-1]

    def serves(self) -> str | None:
        ref = self.advisor.models()["toy"]
        return None if ref is None else ref.version

    def breaker(self, version: str | None = None) -> Any:
        return self.advisor.slots()["toy"].find(version).breaker


@pytest.fixture
def serve(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Server]:
    """Starts a server on the one home: as after a kill -9, nobody closed what went before."""
    monkeypatch.setattr(
        type(world.task),
        "verdict",
        staticmethod(lambda _, action, outcome: Verdict(action == outcome, 0.0)),
        raising=False,
    )
    return lambda: Server(world, tmp_path / "home")


def fail_until_open(world: Any, server: Server) -> None:
    world.graph.fault = world.fail
    server.ask(times=5)
    world.graph.fault = None
    assert server.breaker().state is BreakerState.OPEN


def roll_out(world: Any, server: Server, candidate: str) -> None:
    plan = RolloutPlan(dict.fromkeys(STAGES, StageTerms(10.0, 10, GATES)))
    start = Start(candidate, "1.0.0", plan)
    measured = frozenset({GateMetric.ERROR_RATE})
    server.helm.rollouts["toy"].start(start, measured, now=world.clock(), **WHO)


def candidate_beside(world: Any) -> str:
    """A champion, and a later version that is not."""
    world.publish()
    later = world.registry.publish(world.draft((100, 0, 100)), now=0.0, who="test").version
    return str(later)


def through_all_stages(world: Any, server: Server) -> None:
    for _ in STAGES:
        for number in range(400):
            server.ask(f"link-{number}")
            assert server.advisor.drained()
        world.clock.now += 20.0
        server.helm.tick()
    assert server.helm.rollouts["toy"].state.complete


def test_it_serves_what_the_alias_holds(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    server.keeper.tick()
    assert server.ask().reason is Reason.FALLBACK_NO_MODEL
    first = world.publish()
    server.keeper.tick()
    assert (server.serves(), server.ask().action) == (first, "none")
    second = world.publish((100, 0, 100))
    server.keeper.tick()
    server.keeper.tick()
    assert (server.serves(), server.ask().action) == (second, "lz4")
    world.registry.rollback("toy", now=0.0, **WHO)
    server.keeper.tick()
    assert server.serves() == first
    world.registry.rollback("toy", now=0.0, **WHO)
    server.keeper.tick()
    assert server.ask().reason is Reason.FALLBACK_NO_MODEL
    assert server.events == ["swapped", "swapped", "swapped", "withdrawn"]


def test_what_is_refused_leaves_the_old_one_and_is_told_once(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    first = world.publish()
    server.keeper.tick()
    second = world.publish((100, 0, 100))
    model = world.registry.load("toy", second).folder / "model.onnx"
    whole = model.read_bytes()
    model.write_bytes(b"changed")
    for _ in range(3):
        server.keeper.tick()
        assert (server.serves(), server.ask().reason) == (first, Reason.MODEL)
    [(event, words)] = server.said
    assert event == "refused"
    assert second in words
    model.write_bytes(whole)
    server.keeper.tick()
    assert server.serves() == second


def test_what_somebody_loaded_by_hand_stays_until_the_alias_moves(
    world: Any, serve: Callable[[], Server]
) -> None:
    server = serve()
    later = candidate_beside(world)
    server.keeper.tick()
    server.advisor.load("toy", later)
    server.keeper.tick()
    assert server.serves() == later


def test_a_candidate_comes_beside_and_leaves(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    candidate = candidate_beside(world)
    server.keeper.tick()
    roll_out(world, server, candidate)
    server.keeper.tick()
    server.keeper.tick()
    assert list(server.advisor.slots()["toy"].beside) == [candidate]
    assert server.events == ["beside"]
    server.helm.rollouts["toy"].withdraw(None, now=world.clock(), **WHO)
    server.keeper.tick()
    assert server.advisor.slots()["toy"].beside == {}


def test_a_candidate_that_is_refused_is_told_once(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    candidate = candidate_beside(world)
    shutil.rmtree(world.registry.load("toy", candidate).folder)
    roll_out(world, server, candidate)
    server.keeper.tick()
    server.keeper.tick()
    assert server.events == ["refused"]
    assert server.ask().reason is Reason.MODEL


def test_a_complete_candidate_is_promoted_once_by_two_keepers(
    world: Any, serve: Callable[[], Server]
) -> None:
    candidate = candidate_beside(world)
    servers = [serve(), serve()]
    roll_out(world, servers[0], candidate)
    for server in servers:
        server.keeper.tick()
    through_all_stages(world, servers[0])
    servers[1].helm.tick()
    for server in (*servers, *servers):
        server.keeper.tick()
    assert [server.serves() for server in servers] == [candidate, candidate]
    assert [server.advisor.slots()["toy"].beside for server in servers] == [{}, {}]
    assert sum(server.events.count("promoted") for server in servers) == 1
    assert "refused" not in servers[0].events + servers[1].events
    journal = world.registry.history("toy").entries
    promotions = [entry for entry in journal if (entry.action, entry.version) == ("promote", candidate)]
    assert len(promotions) == 1
    world.registry.rollback("toy", now=0.0, **WHO)
    for server in servers:
        server.keeper.tick()
    assert [server.serves() for server in servers] == ["1.0.0", "1.0.0"]


def test_a_kill_switch_holds_a_promotion_back(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    candidate = candidate_beside(world)
    roll_out(world, server, candidate)
    server.keeper.tick()
    through_all_stages(world, server)
    server.helm.switches.engage(None, now=world.clock(), **WHO)
    server.keeper.tick()
    assert server.serves() == "1.0.0"
    server.helm.switches.release(None, now=world.clock(), **WHO)
    server.keeper.tick()
    assert server.serves() == candidate


def test_an_open_breaker_waits_out_its_wait_over_a_restart(world: Any, serve: Callable[[], Server]) -> None:
    world.publish()
    server = serve()
    server.keeper.tick()
    fail_until_open(world, server)
    world.clock.now += 45.0
    server.keeper.tick()
    # What happens after the last round is lost with the process.
    world.clock.now += 1.0
    world.clock.now = 5.0
    again = serve()
    again.keeper.tick()
    assert again.ask().reason is Reason.FALLBACK_BREAKER_OPEN
    world.clock.now += 14.9
    assert again.ask().reason is Reason.FALLBACK_BREAKER_OPEN
    world.clock.now += 0.2
    assert again.ask(times=2).reason is Reason.MODEL
    assert again.breaker().state is BreakerState.CLOSED
    # Once: a later load of the same version begins anew.
    again.keeper.tick()
    assert again.breaker().state is BreakerState.CLOSED


def test_another_version_begins_closed(world: Any, serve: Callable[[], Server]) -> None:
    world.publish()
    server = serve()
    server.keeper.tick()
    fail_until_open(world, server)
    server.keeper.close()
    world.publish((100, 0, 100))
    again = serve()
    again.keeper.tick()
    assert again.breaker().state is BreakerState.CLOSED
    assert again.ask().reason is Reason.MODEL


def test_what_policies_learned_survives_also_without_a_model(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    server.keeper.tick()
    context = world.context()
    server.advisor.observe("toy", context, "zstd", 1.0)
    server.keeper.tick()
    server.advisor.observe("toy", context, "zstd", 1.0)
    world.task.rule.seen = 0
    world.publish()
    again = serve()
    again.keeper.tick()
    assert world.task.rule.seen == 1
    for _ in range(6):
        again.advisor.observe("toy", context, "none", 1.0)
    again.keeper.close()
    world.task.rule.seen = 0
    serve().keeper.tick()
    learned = world.task.learned_policies[-1]
    assert (world.task.rule.seen, learned.seen) == (7, 6)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[" * 100_000,
        b"7",
        b'{"format": 2, "tasks": {}}',
        b'{"format": 1, "tasks": []}',
        b'{"format": 1, "tasks": {"toy": {"breakers": {"1.0.0": {"state": "ajar"}}}}}',
        b'{"format": 1, "tasks": {"toy": {"memory": {"version": "1.0.0", "fallback": {"seen": null}}}}}',
    ],
)
def test_a_state_file_that_is_damaged_is_told_and_passed_over(
    world: Any, serve: Callable[[], Server], tmp_path: Path, content: bytes
) -> None:
    world.publish()
    file = tmp_path / "home" / "serving" / "state.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    server = serve()
    server.keeper.tick()
    assert server.events == ["forgotten"]
    assert "\n" not in server.said[0][1]
    assert server.ask().reason is Reason.MODEL
    assert json.loads(file.read_bytes())["tasks"]["toy"]["breakers"]["1.0.0"]["state"] == "closed"


def test_foreign_parts_of_a_state_file_harm_nobody(
    world: Any, serve: Callable[[], Server], tmp_path: Path
) -> None:
    world.publish()
    file = tmp_path / "home" / "serving" / "state.json"
    file.parent.mkdir(parents=True)
    for part in (5, {"breakers": 5, "memory": 5}, {"breakers": {"1.0.0": 5}}, {"breakers": {"9.9.9": {}}}):
        file.write_text(json.dumps({"format": 1, "tasks": {"toy": part, "other": {}}}))
        server = serve()
        server.keeper.tick()
        assert server.ask().reason is Reason.MODEL


def test_a_full_disk_is_logged_once_and_stops_nothing(
    world: Any,
    serve: Callable[[], Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageError(f"{path} cannot be written: the disk is full")

    server = serve()
    world.publish()
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr("dwcp.serving._kept.atomic_write", full)
        for _ in range(10):
            server.keeper.tick()
            server.ask()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "what was learned cannot be kept",
        "the record of judgements cannot be kept",
    ]
    assert server.ask().reason is Reason.MODEL
    for _ in range(5):
        server.keeper.tick()
    assert {path.name for path in (server.home / "serving").iterdir()} == {"state.json", "judgements.json"}


def test_a_round_that_fails_is_not_the_last(
    world: Any,
    serve: Callable[[], Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = serve()
    failed, done = threading.Event(), threading.Event()
    tick = server.helm.tick

    def fails_once() -> None:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError("a plug-in's fault")
        tick()
        done.set()

    monkeypatch.setattr(server.helm, "tick", fails_once)
    server.keeper.start(every_s=0.001)
    assert done.wait(20.0)
    server.keeper.close()
    assert "ZeroDivisionError" in caplog.text
    world.publish()
    assert server.serves() is None


def test_the_end_writes_the_last_of_what_was_measured(world: Any, serve: Callable[[], Server]) -> None:
    server = serve()
    candidate = candidate_beside(world)
    server.keeper.tick()
    roll_out(world, server, candidate)
    server.keeper.tick()
    for _ in range(20):
        context = world.context()
        hint = server.advisor.ask("toy", context, unit="link-1")
        assert server.advisor.drained()
        server.advisor.observe("toy", context, hint.action, "lz4")
    world.clock.now += 20.0
    server.keeper.close()
    lines = (server.home / "shadow" / "decisions.jsonl").read_text().splitlines()
    assert sum("unit" in json.loads(line) for line in lines) == 20
    again = serve()
    state = again.helm.rollouts["toy"].state
    assert state.regions["default"].stage is STAGES[1]


def test_how_answers_were_judged_survives_a_restart(world: Any, serve: Callable[[], Server]) -> None:
    world.publish()
    server = serve()

    def judge(count: int) -> None:
        for _ in range(count):
            context = world.context()
            server.advisor.observe("toy", context, server.advisor.ask("toy", context).action, "none")

    def judged() -> int:
        return serve().judgements.last("toy", MODEL, world.clock()).judged

    server.keeper.tick()
    judge(3)
    for _ in range(4):
        server.keeper.tick()
    judge(2)
    # What came after the last look, some rounds ago at most, is lost with the process.
    server.keeper.tick()
    assert judged() == 3
    server.keeper.close()
    assert judged() == 5
    assert (serve().judgements.last("toy", "1.0.0", world.clock()).accuracy, server.said) == (1.0, [])


def test_a_record_of_judgements_that_is_damaged_is_told_once_and_begun_anew(
    world: Any, serve: Callable[[], Server], tmp_path: Path
) -> None:
    file = tmp_path / "home" / "serving" / "judgements.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"format": 0, "tasks": {}}')
    server = serve()
    for _ in range(6):
        server.keeper.tick()
    assert server.said == [
        (
            "forgotten",
            f"{file} cannot be used (it is of format 0, not 1): the record of judgements begins anew",
        )
    ]
    assert serve().events == []
    file.unlink()
    file.mkdir()
    assert serve().events == ["forgotten"]


class Drifted:
    """A watch that has seen regret rise."""

    def offer(self, task_name: str, context: Any, hint: Any) -> None: ...

    def judged(self, task_name: str, verdict: Verdict) -> None: ...

    def tick(self) -> None: ...

    def reports(self, now: float) -> dict[str, DriftReport]:
        return {"toy": DriftReport(now, (), OutcomeDrift(DriftLevel.DRIFT, 500, 3.0, 2.0))}


def test_a_drifted_model_is_to_be_trained_again_once_it_is_a_day_old(serve: Callable[[], Server]) -> None:
    server = serve()
    server.helm.drift = Drifted()  # type: ignore[assignment]
    server.world.publish()
    server.keeper.tick()
    assert "retrain" not in server.events
    server.world.clock.now += 86_401.0
    for _ in range(3):
        server.keeper.tick()
        server.world.clock.now += 61.0
    told = [words for event, words in server.said if event == "retrain"]
    assert told == ["toy 1.0.0 should be trained again: the regret rose to a mean of 3"]
