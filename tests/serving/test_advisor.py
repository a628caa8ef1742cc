from typing import Any

import pytest

from dwcp.serving import Advisor, FallbackAdvisor, Hint, ModelRef, Reason
from dwcp.serving.advisor import told


def advisor(world: Any) -> FallbackAdvisor:
    return FallbackAdvisor({"toy": world.task.fallback()}, clock=world.clock)


def test_the_fallback_answers(world: Any) -> None:
    anyone: Advisor = advisor(world)
    hint = anyone.ask("toy", world.context())
    assert hint == Hint(
        "zstd", Reason.FALLBACK_NO_MODEL, 1.0, None, detail="this advisor has no models", latency_ms=0.0
    )


def test_another_reason_is_told_with_the_model_that_would_have_answered(world: Any) -> None:
    ref = ModelRef("toy", "1.0.0", "d" * 64)
    began = world.clock() - 0.25
    hint = advisor(world).answer("toy", world.context(), Reason.FALLBACK_ERROR, "why", began, ref)
    assert (hint.reason, hint.detail, hint.model, hint.latency_ms) == (
        Reason.FALLBACK_ERROR,
        "why",
        ref,
        pytest.approx(250.0),
    )


def test_no_task_no_action(world: Any) -> None:
    hint = FallbackAdvisor({}).ask("toy", world.context())
    assert (hint.action, hint.reason) == (None, Reason.FALLBACK_NO_MODEL)
    assert hint.detail == "there is no task 'toy'; the tasks here are: none"


def test_a_fallback_that_fails_gives_no_action(world: Any) -> None:
    world.task.rule.broken = True
    hint = advisor(world).ask("toy", world.context())
    assert (hint.action, hint.reason, hint.confidence) == (None, Reason.FALLBACK_ERROR, 0.0)
    assert "ZeroDivisionError: the rule is broken" in hint.detail


def test_a_fallback_that_gives_no_decision(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.task.rule, "decide", lambda *_: None)
    assert advisor(world).ask("toy", world.context()).reason is Reason.FALLBACK_ERROR


def test_outcomes_reach_the_fallback(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    made = advisor(world)
    made.observe("toy", world.context(), "zstd", 1.0)
    made.observe("colour", None, None, None)
    assert world.task.rule.seen == 1
    world.task.rule.broken = True
    made.observe("toy", world.context(), "zstd", 1.0)
    assert "the fallback of toy cannot take in an outcome" in caplog.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (KeyError(), "KeyError"),
        (ValueError("x" * 500), "ValueError: " + "x" * 200),
    ],
)
def test_an_error_in_a_few_words(error: Exception, words: str) -> None:
    assert told(error) == words
