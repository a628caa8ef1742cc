"""Candidates that answer when they are let, and outcomes that come before and after."""
# ruff: noqa: ARG002 - a stand-in takes what its protocol hands it

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest

from dwcp.evaluation.policy import Decision
from dwcp.serving import Hint, ModelRef, Reason
from dwcp.serving._checks import DeclinedError
from dwcp.serving._served import ServedPolicy
from dwcp.serving._shadows import Shadowed, Shadows
from dwcp.serving.steering import Route

WAIT_S = 20.0


@dataclass
class Candidate:
    """Answers with the question's context, once it is let."""

    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    declines: bool = False
    ref: ModelRef = field(default_factory=lambda: ModelRef("toy", "1.1.0", ""))

    def answer(self, context: Any, started_s: float, rng: Random) -> Decision[Any]:
        self.entered.set()
        assert self.go_on.wait(WAIT_S)
        if self.declines:
            raise DeclinedError(Reason.FALLBACK_ERROR, "it failed", model_at_fault=True)
        return Decision(f"answer to {context}")


class Told:
    """Shadows, and what they tell, in order: answers, then what was judged of them and on which thread."""

    def __init__(self) -> None:
        self.shadows = Shadows(lambda one, _: self.all.append(("answered", one.route.shadow)))
        self.candidate = Candidate()
        self.all: list[tuple[str, str]] = []
        self.judged: list[tuple[str, str, str]] = []

    def offer(self, context: Any, shadow: str = "1.1.0") -> None:
        hint = Hint("used", Reason.MODEL, 1.0, None)
        asked = cast("ServedPolicy", self.candidate)
        self.shadows.offer(Shadowed("toy", Route(shadow=shadow), context, hint, asked))

    def outcome(self, context: Any) -> None:
        self.shadows.when_answered(context, self.judge)

    def judge(self, route: Route, action: Any) -> None:
        self.all.append(("judged", route.shadow))
        self.judged.append((route.shadow, action, threading.current_thread().name))


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.candidate.go_on.set()
    made.shadows.close()


def test_outcomes_that_come_first_are_judged_on_the_thread_when_the_candidate_has_answered(
    told: Told,
) -> None:
    for context in ("asked", "waits", "unknown to be"):
        told.offer(context, f"1.1.0 {context}")
    assert told.candidate.entered.wait(WAIT_S)
    for context in ("waits", "asked", "asked", "never asked"):
        told.outcome(context)
    assert told.all == []
    told.candidate.go_on.set()
    assert told.shadows.drain(WAIT_S)
    assert told.all == [
        ("answered", "1.1.0 asked"),
        ("judged", "1.1.0 asked"),
        ("answered", "1.1.0 waits"),
        ("judged", "1.1.0 waits"),
        ("answered", "1.1.0 unknown to be"),
    ]
    told.outcome("unknown to be")
    told.outcome("waits")
    here = threading.current_thread().name
    assert told.judged == [
        ("1.1.0 asked", "answer to asked", "dwcp-shadow"),
        ("1.1.0 waits", "answer to waits", "dwcp-shadow"),
        ("1.1.0 unknown to be", "answer to unknown to be", here),
    ]


def test_of_equal_questions_each_outcome_finds_another(told: Told) -> None:
    context = ("equal", 1)
    told.offer(context, "1.1.0")
    assert told.candidate.entered.wait(WAIT_S)
    told.offer(context, "1.2.0")
    told.outcome(("equal", 1))
    told.candidate.go_on.set()
    assert told.shadows.drain(WAIT_S)
    assert [route for route, _, _ in told.judged] == ["1.2.0"]
    told.outcome(("equal", 1))
    told.outcome(("equal", 1))
    assert [route for route, _, _ in told.judged] == ["1.2.0", "1.1.0"]


def test_where_no_answer_comes_nothing_is_judged(told: Told) -> None:
    told.candidate.declines = True
    told.offer("before")
    told.offer("after")
    told.outcome("before")
    told.candidate.go_on.set()
    assert told.shadows.drain(WAIT_S)
    told.outcome("after")
    assert told.all == [("answered", "1.1.0")] * 2


def test_at_the_end_the_one_under_way_is_judged_and_the_others_are_dropped(told: Told) -> None:
    told.offer("asked")
    assert told.candidate.entered.wait(WAIT_S)
    told.offer("waits")
    told.outcome("asked")
    told.outcome("waits")
    closing = threading.Thread(target=told.shadows.close)
    closing.start()
    while not told.shadows._closed:
        pass
    told.candidate.go_on.set()
    closing.join(WAIT_S)
    assert told.all == [("answered", "1.1.0"), ("judged", "1.1.0")]
    told.offer("late")
    assert told.shadows.dropped == 1
    assert not told.shadows.drain(WAIT_S)


def test_what_is_answered_holds_neither_the_model_nor_the_context(told: Told) -> None:
    told.candidate.go_on.set()
    told.offer(("large",))
    assert told.shadows.drain(WAIT_S)
    before = weakref.ref(told.candidate)
    told.candidate = Candidate()
    told.candidate.go_on.set()
    told.offer("another")
    assert told.shadows.drain(WAIT_S)
    gc.collect()
    assert before() is None
    [first, second] = [kept for equal in told.shadows._told._kept.values() for kept in equal]
    assert (first.context, second.context) == (None, None)
    assert not told.shadows._told._fresh


def test_from_many_threads_each_outcome_is_judged_once(told: Told) -> None:
    contexts = [f"{thread} {number}" for thread in range(4) for number in range(60)]
    start = threading.Barrier(5)

    def tell(part: list[str]) -> None:
        start.wait(WAIT_S)
        for context in part:
            told.outcome(context)

    for context in contexts:
        told.offer(context)
    tellers = [threading.Thread(target=tell, args=(contexts[place::4],)) for place in range(4)]
    for teller in tellers:
        teller.start()
    start.wait(WAIT_S)
    told.candidate.go_on.set()
    for teller in tellers:
        teller.join(WAIT_S)
    assert told.shadows.drain(WAIT_S)
    assert sorted(action for _, action, _ in told.judged) == sorted(f"answer to {one}" for one in contexts)
