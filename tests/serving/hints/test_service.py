"""Hints and their outcomes, told as plain values."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from dwcp.serving import Reason
from dwcp.serving.hint import Hint
from dwcp.serving.hints import Answered, Hints, Refusal, Refused
from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.hints.memory import HintMemory
from dwcp.tasks.bandwidth import contract as bandwidth

QUIET = {"reliability": {"alarmed": False}}


HEAVY = "numpy", "grpc", "google.protobuf", "starlette", "onnxruntime"


def test_the_api_is_light_and_grpc_says_what_it_needs() -> None:
    program = (
        "import sys, dwcp.serving.hints\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
        "sys.modules['grpc'] = None\n"
        "from dwcp.errors import ExtraMissingError\n"
        "try:\n    import dwcp.serving.grpc\nexcept ExtraMissingError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = "gRPC needs the extra serve: pip install 'dwcp[serve]' (grpc is not installed)"
    assert done.stdout.splitlines() == ["[]", told]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hint(hints: Hints, name: str = "DetectAnomaly") -> dict[str, Any]:
    answer = hints.call(name, {"context": EXAMPLES[name]})
    assert isinstance(answer, Answered)
    return answer.body


def report(hints: Hints, hint_id: str, outcome: Any = QUIET, **more: Any) -> Refusal | None:
    answer = hints.call("RecordOutcome", {"hint_id": hint_id, "outcome": outcome, **more})
    return answer.refusal if isinstance(answer, Refused) else None


def test_an_answer_tells_which_model_and_why(rules: Any) -> None:
    body = hint(Hints(rules, new_id=lambda: "h1"), "TuneGossip")
    latency_ms = body.pop("latency_ms")
    assert latency_ms >= 0
    assert body == {
        "hint_id": "h1",
        "reason": "EXPERIMENT_CONTROL",
        "confidence": 0.5,
        "detail": "",
        "model": {"task": "gossip", "version": "1.2.0", "digest": "ab"},
        "action": {"fanout": 6, "ttl": 10, "degree": 0, "push": "EAGER"},
    }


def test_ids_expire(rules: Any, clock: Clock) -> None:
    hints = Hints(rules, HintMemory(lifetime_s=60.0), clock=clock)
    first, second = hint(hints)["hint_id"], hint(hints)["hint_id"]
    clock.now += 59.9
    assert report(hints, first) is None
    assert report(hints, first) is Refusal.ALREADY_REPORTED
    clock.now += 0.1
    assert report(hints, first) is Refusal.UNKNOWN_HINT
    assert report(hints, second) is Refusal.UNKNOWN_HINT
    assert len(rules.observed) == 1


def test_memory_is_bounded_in_hints_and_in_bytes(rules: Any, clock: Clock) -> None:
    for memory in (HintMemory(most=5), HintMemory(most_bytes=1500)):
        hints = Hints(rules, memory, clock=clock)
        ids = [hint(hints)["hint_id"] for _ in range(40)]
        assert 2 <= len(memory) <= 5
        assert report(hints, ids[0]) is Refusal.UNKNOWN_HINT
        assert report(hints, ids[-1]) is None


def test_what_is_expired_takes_no_room(rules: Any, clock: Clock) -> None:
    memory = HintMemory(lifetime_s=1.0)
    hints = Hints(rules, memory, clock=clock)
    for _ in range(3):
        hint(hints)
        clock.now += 1.0
    assert len(memory) == 1


def test_a_report_has_to_fit_its_hint(rules: Any) -> None:
    hints = Hints(rules)
    peer = hint(hints, "SelectPeer")["hint_id"]
    outcome = {"peer": "p9", "latency_ms": 4, "elapsed_ms": 9, "succeeded": True}
    assert report(hints, peer, {"peers": outcome}) is Refusal.INVALID
    assert report(hints, peer, QUIET) is Refusal.INVALID
    assert report(hints, peer, {"peers": {**outcome, "peer": "p2"}, **QUIET}) is Refusal.INVALID
    gossip = {"gossip": {"fanout": 4}}
    assert report(hints, peer, {"peers": {**outcome, "peer": "p2"}}, taken=gossip) is Refusal.INVALID
    assert rules.observed == []
    assert report(hints, peer, {"peers": {**outcome, "peer": "p2"}}) is None
    assert [one[0] for one in rules.observed] == ["peers"]


def test_numbers_of_numpy_are_numbers(rules: Any) -> None:
    forecast = bandwidth.Quantiles(np.float32(1), np.float64(2), np.float32(3))  # type: ignore[arg-type]
    action = bandwidth.Action(forecast, forecast, np.float32(0.5), 1.0, 1.0, float("nan"))  # type: ignore[arg-type]
    rules.ask = lambda *_, **__: Hint(action, Reason.MODEL, 0.5, None)
    hints = Hints(rules)
    body = hint(hints, "PredictBandwidth")
    assert type(body["action"]["next_step"]["low"]) is float
    # What is not finite is no number of the protocol.
    assert "packet_loss" not in body["action"]
    assert report(hints, body["hint_id"], {"bandwidth": {"steps": [{}]}}) is None
    assert rules.observed[0][2].next_step == forecast


def test_tasks_that_are_not_there_and_tasks_that_fail_differ(rules: Any) -> None:
    request = {"context": EXAMPLES["TuneGossip"], "unit": "u", "region": "eu"}
    rules.fails = True
    failed = Hints(rules).call("TuneGossip", request)
    rules.is_empty = True
    missing = Hints(rules).call("TuneGossip", request)
    assert failed == Refused(Refusal.FAILED, "the fallback failed")
    assert missing == Refused(Refusal.NO_SUCH_TASK, "there is no task 'gossip'; the tasks here are: none")
    assert rules.buckets == [("u", "eu")] * 2
