"""Answers requests of the hints API, told as plain values: REST and gRPC translate to and from these."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from dwcp.errors import InputError
from dwcp.serving.advisor import Advisor
from dwcp.serving.hint import Hint, Reason
from dwcp.serving.hints.memory import HintMemory, Lost
from dwcp.serving.hints.methods import METHODS, RECORD_OUTCOME, REPORT, REQUESTS, Ask, Method, Report

__all__ = ["Answered", "Asked", "Hints", "Refusal", "Refused", "ask"]

Asked = Mapping[str, Any]
"""A request as plain values: names of fields to mappings, lists, numbers, strings and bytes."""


class Refusal(Enum):
    """Why there is no answer; each front end has its own code for it."""

    INVALID = auto()
    """The request is not what the method takes."""
    NO_SUCH_TASK = auto()
    """The protocol has the method, the advisor not the task."""
    UNKNOWN_HINT = auto()
    """There is no hint of that id, or no longer."""
    ALREADY_REPORTED = auto()
    """The outcome of that hint was reported before."""
    FAILED = auto()
    """The task could not answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer.

    Attributes:
        refusal: of which kind.
        sentence: what is wrong, where, and what to do about it.
    """

    refusal: Refusal
    sentence: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as plain values."""

    body: dict[str, Any]


class Hints:
    """The hints API on an advisor. Safe from any thread; share one between front ends, which share its ids.

    Args:
        advisor: who gives the hints.
        memory: what was hinted and may yet be reported on.
        clock: seconds that only go forward.
        new_id: makes ids that nobody can guess.
    """

    def __init__(
        self,
        advisor: Advisor,
        memory: HintMemory | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(12),
    ) -> None:
        self._advisor = advisor
        self._memory = HintMemory() if memory is None else memory
        self._clock = clock
        self._new_id = new_id
        self._asking = threading.Lock()

    def call(self, name: str, request: Asked) -> Answered | Refused:
        """Answer a request.

        Args:
            name: one of `METHODS`, or `RECORD_OUTCOME`.
            request: its fields.
        """
        try:
            if name == RECORD_OUTCOME:
                return self._record(REPORT.read(request, None))
            method = METHODS[name]
            return self._hint(method, REQUESTS[name].read(request, None))
        except InputError as error:
            return Refused(Refusal.INVALID, str(error))

    def _hint(self, method: Method, asked: Ask) -> Answered | Refused:
        # One at a time: they share an interpreter, and waiting for it would count as the model's time.
        with self._asking:
            hint = ask(self._advisor, method.task, asked.context, asked.unit, asked.region)
        if hint.action is None:
            missing = hint.reason is Reason.FALLBACK_NO_MODEL
            return Refused(Refusal.NO_SUCH_TASK if missing else Refusal.FAILED, hint.detail)
        hint_id = self._new_id()
        self._memory.keep(hint_id, method.task, asked.context, hint.action, self._clock())
        return Answered(_told(hint_id, hint) | {"action": method.action.write(hint.action)})

    def _record(self, report: Report) -> Answered | Refused:
        now = self._clock()
        found = self._memory.find(report.hint_id, now)
        if isinstance(found, Lost):
            return _lost(report.hint_id, found)
        if refused := _misfit(report, found.task):
            return refused
        method = _OF_TASK[found.task]
        context, hinted = found.unpacked()
        action = hinted if report.taken is None else report.taken[1]
        if refusal := method.refusal(context, action, report.outcome[1]):
            return Refused(Refusal.INVALID, refusal)
        taken = self._memory.take(report.hint_id, now)
        if isinstance(taken, Lost):
            return _lost(report.hint_id, taken)
        self._advisor.observe(method.task, context, action, report.outcome[1])
        return Answered({})


_OF_TASK = {method.task: method for method in METHODS.values()}


def ask(advisor: Advisor, task: str, context: Any, unit: str, region: str) -> Hint[Any]:
    """A hint of an advisor, for one unit in one region."""
    return advisor.ask(task, context, unit=unit, region=region)


def _told(hint_id: str, hint: Hint[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "hint_id": hint_id,
        "reason": hint.reason.value,
        "confidence": hint.confidence,
        "latency_ms": hint.latency_ms,
        "detail": hint.detail,
    }
    if hint.model is not None:
        told["model"] = {"task": hint.model.task, "version": hint.model.version, "digest": hint.model.digest}
    return told


def _lost(hint_id: str, lost: Lost) -> Refused:
    if lost is Lost.UNKNOWN:
        sentence = f"there is no hint {hint_id!r}, or no longer; report outcomes soon after the hint"
        return Refused(Refusal.UNKNOWN_HINT, sentence)
    return Refused(Refusal.ALREADY_REPORTED, f"the outcome of hint {hint_id!r} was reported before")


def _misfit(report: Report, task: str) -> Refused | None:
    for part, told in (("outcome", report.outcome), ("taken", report.taken)):
        if told is not None and told[0] != task:
            sentence = f"{part} is of {told[0]}, but hint {report.hint_id!r} was one of {task}"
            return Refused(Refusal.INVALID, sentence)
    return None
