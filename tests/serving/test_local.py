import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError, InputError
from dwcp.safety import BreakerSettings, CircuitBreaker
from dwcp.serving import Hint, ModelRef, Reason
from dwcp.serving.counts import HintKey

CONTROLS = {Reason.ROLLOUT_CONTROL, Reason.EXPERIMENT_CONTROL}
"""Given by parts that are asked before the model is."""


def ask(world: Any, **values: Any) -> Hint[Any]:
    return world.advisor.ask("toy", world.context(**values))


def test_the_model_answers(world: Any) -> None:
    world.serve()
    hint = ask(world, x=10.0)
    assert (hint.action, hint.reason, hint.detail) == ("none", Reason.MODEL, "")
    assert hint.confidence == pytest.approx(0.9)
    assert hint.costs == {"none": 10.0, "lz4": 50.0, "zstd": 90.0}
    assert hint.model == ModelRef("toy", "1.0.0", world.registry.load("toy").ref.digest)
    assert ask(world, x=95.0).action == "zstd"


def test_latency_is_on_the_advisors_clock(world: Any) -> None:
    world.serve()
    world.task.arrays_fault = lambda: advance(world, 0.002)
    assert ask(world).latency_ms == pytest.approx(2.0)


def advance(world: Any, seconds: float) -> None:
    world.clock.now += seconds


def nothing_published(world: Any) -> None:
    with pytest.raises(ArtifactNotFoundError):
        world.advisor.load("toy")


def killed(world: Any) -> None:
    world.serve()
    world.advisor.kill("an operator said so")


def breaker_open(world: Any) -> None:
    world.serve().fault = world.fail
    for _ in range(5):
        ask(world)


def late(world: Any) -> None:
    def slow(answers: Any, stopped: Any) -> Any:
        advance(world, 0.006)
        return answers

    world.serve().fault = slow


def failing(world: Any) -> None:
    world.serve().fault = world.fail


def doubtful(world: Any) -> None:
    world.advisor = world.new_advisor(min_confidence={"toy": 0.95})
    world.serve()


def other_inputs(world: Any) -> None:
    world.publish(input_spec=replace(world.task.input_spec, vocabularies=()))
    with pytest.raises(ArtifactRefusedError, match="fingerprint"):
        world.advisor.load("toy")


def not_a_number(world: Any) -> None:
    world.serve().fault = lambda answers, _: answers | {"costs": np.full((1, 3), np.nan)}


SITUATIONS: dict[Reason, tuple[Callable[[Any], None], str]] = {
    Reason.MODEL: (lambda world: world.serve(), ""),
    Reason.FALLBACK_NO_MODEL: (nothing_published, "no task 'toy' in the registry"),
    Reason.FALLBACK_BREAKER_OPEN: (breaker_open, "breaker of toy 1.0.0 is open"),
    Reason.FALLBACK_DEADLINE: (late, "took 6.000 ms of 5 ms"),
    Reason.FALLBACK_ERROR: (failing, "GraphError: the graph is broken"),
    Reason.FALLBACK_LOW_CONFIDENCE: (doubtful, "confidence 0.900 is below 0.95"),
    Reason.FALLBACK_SCHEMA_MISMATCH: (other_inputs, "was made for inputs with fingerprint"),
    Reason.FALLBACK_OUT_OF_RANGE: (not_a_number, "output 'costs' is not finite"),
    Reason.KILL_SWITCH: (killed, "switched off: an operator said so"),
}


@pytest.mark.parametrize("reason", sorted(set(Reason) - CONTROLS))
def test_every_reason_is_reached_and_told(world: Any, reason: Reason) -> None:
    arrange, detail = SITUATIONS[reason]
    arrange(world)
    hint = ask(world)
    assert hint.reason is reason
    assert detail in hint.detail
    assert hint.action == ("none" if reason is Reason.MODEL else "zstd")
    version = "" if hint.model is None else "1.0.0"
    assert world.advisor.counts()[HintKey("toy", reason, version)] == 1


def test_an_unknown_task_gets_no_action_and_no_exception(world: Any) -> None:
    hint = world.advisor.ask("colour", None)
    assert (hint.action, hint.reason, hint.model) == (None, Reason.FALLBACK_NO_MODEL, None)
    assert "no task 'colour'" in hint.detail
    assert "toy" in hint.detail
    world.advisor.observe("colour", None, None, None)
    assert world.advisor.counts() == {HintKey("", Reason.FALLBACK_NO_MODEL, ""): 1}


def test_before_the_first_load(world: Any) -> None:
    assert ask(world).detail == "no model has been loaded"
    assert world.advisor.models() == {"toy": None}


def test_without_a_registry(world: Any) -> None:
    world.registry = None
    world.advisor = world.new_advisor()
    assert "no registry" in world.advisor.reload()["toy"]
    hint = ask(world)
    assert (hint.action, hint.reason) == ("zstd", Reason.FALLBACK_NO_MODEL)
    assert "no registry" in hint.detail


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": -0.5}, "input 'x' is -0.5, outside 0 to 100 percent"),
        ({"x": 100.5}, "input 'x' is 100.5"),
        ({"x": float("nan")}, "input 'x' is nan"),
        ({"window": (0.5, float("inf"), 0.5)}, "input 'window' is inf, outside finite numbers"),
        ({"kind": 3}, "input 'kind' is 3, outside 0 to 2"),
    ],
)
def test_inputs_out_of_range_are_the_callers_and_leave_the_breaker_alone(
    world: Any, values: dict[str, Any], words: str
) -> None:
    world.serve()
    for _ in range(30):
        hint = ask(world, **values)
        assert hint.reason is Reason.FALLBACK_OUT_OF_RANGE
        assert words in hint.detail
    assert ask(world).reason is Reason.MODEL


def test_arrays_that_do_not_fit_the_specification(world: Any) -> None:
    world.serve()
    world.task.dtype = "float64"
    hint = ask(world)
    assert hint.reason is Reason.FALLBACK_SCHEMA_MISMATCH
    assert hint.detail == "input 'x' is float64[1], expected float32[1]"


@pytest.mark.parametrize(
    ("changed", "reason", "words"),
    [
        ({"confidence": np.array([1.5])}, Reason.FALLBACK_OUT_OF_RANGE, "confidence is 1.5"),
        ({"confidence": np.array([np.inf])}, Reason.FALLBACK_OUT_OF_RANGE, "'confidence' is not finite"),
        ({"costs": None}, Reason.FALLBACK_ERROR, "'costs' is missing"),
        ({"costs": np.zeros((1, 2))}, Reason.FALLBACK_ERROR, "'costs' is of shape [2]"),
    ],
)
def test_nonsense_out_of_the_graph(world: Any, changed: Any, reason: Reason, words: str) -> None:
    world.serve().fault = lambda answers, _: answers | changed
    hint = ask(world)
    assert (hint.reason, hint.action) == (reason, "zstd")
    assert words in hint.detail


def test_a_cost_that_is_not_finite(world: Any) -> None:
    world.serve()
    world.task.costs = [1.0, float("inf"), 2.0]
    assert ask(world).reason is Reason.FALLBACK_OUT_OF_RANGE


def test_an_action_that_is_not_admissible(world: Any) -> None:
    world.serve()
    world.task.refused = frozenset({"none"})
    hint = ask(world)
    assert (hint.reason, hint.action) == (Reason.FALLBACK_OUT_OF_RANGE, "zstd")
    assert "'none' is not admissible" in hint.detail


def test_a_contexts_own_error(world: Any) -> None:
    world.serve()

    def broken() -> None:
        raise KeyError("no such field\nand more")

    world.task.arrays_fault = broken
    hint = ask(world)
    assert (hint.reason, hint.action) == (Reason.FALLBACK_ERROR, "zstd")
    assert "KeyError" in hint.detail
    assert "\n" not in hint.detail


def test_a_policy_that_gives_no_decision(world: Any) -> None:
    world.serve()
    world.task.learned_policies[-1].broken = True
    assert ask(world).reason is Reason.FALLBACK_ERROR


@pytest.mark.parametrize("with_model", [True, False])
def test_when_even_the_fallback_fails_there_is_no_action_but_a_hint(world: Any, with_model: bool) -> None:
    if with_model:
        failing(world)
    world.task.rule.broken = True
    hint = ask(world)
    assert (hint.action, hint.reason, hint.confidence) == (None, Reason.FALLBACK_ERROR, 0.0)
    assert "the rule is broken" in hint.detail
    assert ("the graph is broken" in hint.detail) == with_model


def test_a_graph_that_hangs_is_stopped_at_the_deadline(world: Any) -> None:
    world.advisor = world.new_advisor(clock=time.monotonic, deadline_ms=20.0)
    world.serve().fault = world.hang
    hint = ask(world)
    assert hint.reason is Reason.FALLBACK_DEADLINE
    assert "stopped after" in hint.detail
    assert 15.0 < hint.latency_ms < 5000.0


def test_a_run_that_cannot_end_in_time_is_not_begun(world: Any) -> None:
    graph = world.serve()
    graph.fault = world.fail
    world.task.arrays_fault = lambda: advance(world, 0.006)
    hint = ask(world)
    assert hint.reason is Reason.FALLBACK_DEADLINE
    assert "-1.000 ms left for a run that takes 0.000 ms" in hint.detail


def test_a_graph_slower_than_the_deadline_is_not_run(world: Any) -> None:
    def slow(answers: Any, stopped: Any) -> Any:
        advance(world, 0.007)
        return answers

    opened = world.open_graph

    def open_slow(model: bytes) -> Any:
        opened(model).fault = slow
        return world.graph

    world.advisor = world.new_advisor(open_graph=open_slow)
    world.serve().fault = world.fail
    hint = ask(world)
    assert hint.reason is Reason.FALLBACK_DEADLINE
    assert "a run that takes 7.000 ms" in hint.detail


def test_the_breaker_opens_and_recovers(world: Any) -> None:
    graph = world.serve()
    graph.fault = world.fail
    assert [ask(world).reason for _ in range(7)] == (
        [Reason.FALLBACK_ERROR] * 5 + [Reason.FALLBACK_BREAKER_OPEN] * 2
    )
    graph.fault = None
    assert ask(world).reason is Reason.FALLBACK_BREAKER_OPEN
    advance(world, 61.0)
    assert [ask(world).reason for _ in range(5)] == [Reason.MODEL] * 5


def test_a_trial_spent_on_bad_inputs_is_given_back(world: Any) -> None:
    graph = world.serve()
    graph.fault = world.fail
    for _ in range(5):
        ask(world)
    graph.fault = None
    advance(world, 61.0)
    for _ in range(10):
        assert ask(world, x=-1.0).reason is Reason.FALLBACK_OUT_OF_RANGE
    assert ask(world).reason is Reason.MODEL


def test_each_version_has_its_own_breaker(world: Any) -> None:
    breaker_open(world)
    world.serve((100, 0, 100))
    assert ask(world).reason is Reason.MODEL


def test_late_answers_open_the_breaker(world: Any) -> None:
    world.advisor = world.new_advisor(
        new_breaker=lambda: CircuitBreaker(BreakerSettings(consecutive_failures=2))
    )
    late(world)
    reasons = [ask(world).reason for _ in range(3)]
    assert reasons == [Reason.FALLBACK_DEADLINE] * 2 + [Reason.FALLBACK_BREAKER_OPEN]


def test_the_kill_switch_is_for_one_task_or_all(world: Any) -> None:
    world.serve()
    world.advisor.kill("testing", "toy")
    world.advisor.kill("maintenance")
    assert ask(world).detail == "switched off: maintenance"
    world.advisor.revive()
    assert (ask(world).reason, ask(world).detail) == (Reason.KILL_SWITCH, "switched off: testing")
    world.advisor.revive("toy")
    assert ask(world).reason is Reason.MODEL
    world.advisor.revive("toy")
    world.advisor.kill("")
    assert ask(world).reason is Reason.KILL_SWITCH
    with pytest.raises(InputError, match="no task 'colour'"):
        world.advisor.kill("why", "colour")


def test_loading_another_version_changes_the_answer(world: Any) -> None:
    world.serve()
    assert ask(world).action == "none"
    world.serve((100, 0, 100))
    hint = ask(world)
    assert hint.action == "lz4"
    assert hint.model is not None
    assert hint.model.version == "1.1.0"
    assert world.advisor.load("toy", "1.0.0").version == "1.0.0"
    assert ask(world).action == "none"


def test_loading_what_serves_already_opens_nothing(world: Any) -> None:
    world.serve()
    assert world.advisor.load("toy", "1.0.0") == world.advisor.models()["toy"]
    assert len(world.graphs) == 1


def damage(world: Any, version: str) -> None:
    path = world.registry.root / "toy" / version / "model.onnx"
    path.chmod(0o644)
    path.write_bytes(b"{}")


def wrong_golden(world: Any) -> Any:
    golden = world.draft().golden
    return replace(golden, outputs={name: array + 1 for name, array in golden.outputs.items()})


def no_golden(world: Any) -> Any:
    golden = world.draft().golden
    empty = {name: array[:0] for name, array in golden.outputs.items()}
    return replace(golden, inputs={name: array[:0] for name, array in golden.inputs.items()}, outputs=empty)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("publish", "words"),
    [
        (lambda world: world.publish(golden=wrong_golden(world)), "does not give its golden answers"),
        (lambda world: world.publish(golden=no_golden(world)), "has no golden answers"),
        (lambda world: world.publish(model=b"rubbish"), "not a toy model"),
        (lambda world: damage(world, world.publish((1, 2, 3))), "BLAKE3"),
    ],
)
def test_a_model_that_is_refused_leaves_what_served(
    world: Any, first: bool, publish: Callable[[Any], None], words: str
) -> None:
    if not first:
        world.serve()
    publish(world)
    with pytest.raises(ArtifactRefusedError, match=words):
        world.advisor.load("toy")
    hint = ask(world)
    assert hint.reason is (Reason.FALLBACK_NO_MODEL if first else Reason.MODEL)
    assert (words in hint.detail) == first


def test_a_graph_that_cannot_be_run_is_refused(world: Any) -> None:
    def open_broken(model: bytes) -> Any:
        world.open_graph(model).fault = world.fail
        return world.graph

    world.advisor = world.new_advisor(open_graph=open_broken)
    world.publish()
    with pytest.raises(ArtifactRefusedError, match=r"toy 1\.0\.0 cannot be run on its golden inputs"):
        world.advisor.load("toy")


def test_a_model_of_other_inputs_leaves_what_served(world: Any) -> None:
    world.serve()
    other_inputs(world)
    assert ask(world).reason is Reason.MODEL


def test_an_unknown_task_cannot_be_loaded(world: Any) -> None:
    with pytest.raises(InputError, match="no task 'colour'; the tasks here are: toy"):
        world.advisor.load("colour")


def test_reload_follows_the_alias(world: Any) -> None:
    assert "no task 'toy'" in world.advisor.reload()["toy"]
    assert "no task 'toy'" in ask(world).detail
    world.publish()
    assert world.advisor.reload() == {}
    assert ask(world).action == "none"
    world.publish((100, 0, 100))
    assert world.advisor.reload() == {}
    assert ask(world).action == "lz4"
    world.registry.rollback("toy", now=1.0, who="test", why="worse")
    assert world.advisor.reload() == {}
    assert ask(world).action == "none"


def test_an_alias_rolled_back_to_nothing_takes_the_model_out(world: Any) -> None:
    world.serve()
    world.registry.rollback("toy", now=1.0, who="test", why="worse")
    assert "champion" in world.advisor.reload()["toy"]
    hint = ask(world)
    assert (hint.reason, hint.model) == (Reason.FALLBACK_NO_MODEL, None)
    assert "'champion'" in hint.detail


def test_a_registry_that_is_gone_does_not(world: Any) -> None:
    world.serve()
    world.registry.root.rename(world.registry.root.with_name("elsewhere"))
    assert "no task 'toy'" in world.advisor.reload()["toy"]
    assert ask(world).reason is Reason.MODEL


def test_a_hint_in_flight_ends_on_the_model_it_began_with(world: Any) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait(answers: Any, stopped: Any) -> Any:
        entered.set()
        assert go_on.wait(20.0)
        return answers

    world.advisor = world.new_advisor(deadline_ms=60_000.0)
    world.serve().fault = wait
    hints: list[Hint[Any]] = []
    asking = threading.Thread(target=lambda: hints.append(ask(world)))
    asking.start()
    assert entered.wait(20.0)
    world.serve((100, 0, 100))
    assert ask(world).action == "lz4"
    go_on.set()
    asking.join(20.0)
    assert [(hint.action, hint.reason) for hint in hints] == [("none", Reason.MODEL)]


def test_no_hint_fails_during_a_hundred_swaps(world: Any) -> None:
    world.advisor = world.new_advisor(deadline_ms=60_000.0)
    actions = {world.publish(): "none", world.publish((100, 0, 100)): "lz4"}
    world.advisor.load("toy")
    over = threading.Event()
    wrong: list[Hint[Any]] = []
    asked = [0, 0]

    def keep_asking(thread: int) -> None:
        while not over.is_set():
            hint = ask(world)
            asked[thread] += 1
            if hint.reason is not Reason.MODEL or hint.action != actions[hint.model.version]:  # type: ignore[union-attr]
                wrong.append(hint)

    threads = [threading.Thread(target=keep_asking, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for swap in range(100):
        world.advisor.load("toy", list(actions)[swap % 2])
    over.set()
    for thread in threads:
        thread.join(20.0)
    assert wrong == []
    assert min(asked) > 0
    assert sum(world.advisor.counts().values()) == sum(asked)


def test_outcomes_reach_both_policies_and_survive_a_restart(world: Any) -> None:
    world.serve()
    for _ in range(3):
        world.advisor.observe("toy", world.context(), "none", 1.0)
    saved = world.advisor.snapshot("toy")
    assert saved == {"version": "1.0.0", "fallback": {"seen": 3}, "learned": {"seen": 3}}
    world.task.rule.seen = 0
    world.advisor = world.new_advisor()
    world.advisor.load("toy")
    world.advisor.restore("toy", saved)
    assert world.advisor.snapshot("toy") == saved


def test_what_another_version_remembers_is_left_out(world: Any) -> None:
    world.serve()
    world.advisor.observe("toy", world.context(), "none", 1.0)
    saved = world.advisor.snapshot("toy")
    world.serve((100, 0, 100))
    world.advisor.restore("toy", saved)
    assert world.advisor.snapshot("toy") == {
        "version": "1.1.0",
        "fallback": {"seen": 1},
        "learned": {"seen": 0},
    }


def test_a_snapshot_without_a_model(world: Any) -> None:
    world.advisor.observe("toy", world.context(), "zstd", 1.0)
    saved = world.advisor.snapshot("toy")
    assert saved == {"version": None, "fallback": {"seen": 1}, "learned": None}
    world.advisor.restore("toy", saved)


@pytest.mark.parametrize(
    "state", [{}, {"fallback": 3}, {"fallback": {}}, {"version": "1.0.0", "fallback": {"seen": 1}}]
)
def test_what_is_no_snapshot_is_refused(world: Any, state: dict[str, object]) -> None:
    world.serve()
    with pytest.raises(InputError, match="no snapshot of toy"):
        world.advisor.restore("toy", state)


def test_observing_never_raises_and_a_failure_counts(world: Any) -> None:
    world.serve()
    world.task.rule.broken = True
    policy = world.task.learned_policies[-1]
    policy.broken = True
    for _ in range(5):
        world.advisor.observe("toy", world.context(), "none", 1.0)
    world.task.rule.broken = policy.broken = False
    assert ask(world).reason is Reason.FALLBACK_BREAKER_OPEN


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    x=st.floats(width=32) | st.none() | st.text(max_size=3),
    window=st.tuples(*[st.floats(width=32)] * 3) | st.just((1.0,)),
    kind=st.integers(-(2**63), 2**63 - 1),
)
def test_whatever_is_asked_an_admissible_action_comes(world: Any, x: Any, window: Any, kind: int) -> None:
    if not world.graphs:
        world.serve()
    hint = ask(world, x=x, window=window, kind=kind)
    assert hint.action in {"none", "lz4", "zstd"}
    assert 0.0 <= hint.confidence <= 1.0
    assert (hint.reason is Reason.MODEL) == (not hint.detail)
