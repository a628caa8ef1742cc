"""The advisor that runs models in this process.

A hint's way: kill switch, a loaded model, its breaker, its inputs' range, the graph under the deadline,
the range of its answer, its confidence. Whatever stops it on the way, the task's fallback answers, and the
hint says why.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Protocol

from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError
from dwcp.evaluation.policy import Decision, State
from dwcp.registry.artifact import Artifact, check_fingerprint
from dwcp.safety.breaker import BreakerSettings, CircuitBreaker
from dwcp.serving._asked import Asked, WhoAnswered
from dwcp.serving._checks import DeclinedError
from dwcp.serving._deadline import Watchdog
from dwcp.serving._served import Breaker, ServedModel, ServedPolicy, Service
from dwcp.serving._shadows import Shadowed, Shadows
from dwcp.serving._slot import ONLINE, Slot
from dwcp.serving.advisor import FallbackAdvisor
from dwcp.serving.counts import HintCounts, HintKey, Latencies
from dwcp.serving.graph import StoppableGraph
from dwcp.serving.hint import Hint, ModelRef, Reason
from dwcp.serving.runtime import OnnxGraph
from dwcp.serving.steering import CHAMPION, Route, Steering
from dwcp.task import JudgesLive, LearnsOnline, Task, Verdict

__all__ = ["ArtifactSource", "Listener", "LocalAdvisor"]

_log = logging.getLogger(__name__)
_NOTHING_TOLD = Verdict()


Listener = Callable[[str, Any, Any, Any], None]


class ArtifactSource(Protocol):
    """Where models come from: a registry."""

    def load(self, task: str, reference: str, /) -> Artifact:
        """The artifact an alias or a version stands for, its files held against their digests.

        Raises:
            RegistryError: there is none, or it is refused.
        """
        ...

    def aliases(self, task: str, /) -> Mapping[str, str]:
        """Each alias that holds a version, with that version.

        Raises:
            RegistryError: there is no such task, or its aliases cannot be read.
        """
        ...


class LocalAdvisor:
    """Asks the models of some tasks, with their fallbacks behind. Safe from any thread.

    Until `load`, and whenever a model does not answer, the fallback does; a task that learns while it serves
    needs no `load`. Asking runs in the caller's
    thread and holds no lock for longer than a count takes. At the deadline the graph is stopped, between
    two of its nodes; what cannot be stopped is a task's own Python code, which does no input or output and
    takes microseconds.

    Args:
        tasks: the tasks it knows.
        registry: where models come from; None when there is none.
        deadline_ms: longest a hint may take before the fallback answers.
        min_confidence: by task, the confidence below which the fallback answers; 0 for a task not named.
        new_breaker: makes the breaker of each model that is loaded; by default one to which only what misses
            the deadline is slow.
        open_graph: opens a model file's content.
        clock: seconds that only go forward.
        seed: seed of the generator that policies are handed.
        steering: sends questions to versions; None: the champion answers all.
        listeners: told of every outcome, with task, context and action; quick, and must not raise.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        registry: ArtifactSource | None,
        *,
        deadline_ms: float = 5.0,
        min_confidence: Mapping[str, float] | None = None,
        new_breaker: Callable[[], Breaker] | None = None,
        open_graph: Callable[[bytes], StoppableGraph] = OnnxGraph,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
        steering: Steering | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._registry = registry
        usual = partial(CircuitBreaker, BreakerSettings(slow_call_ms=deadline_ms))
        self._service = Service(deadline_ms / 1e3, clock, Watchdog(), open_graph, new_breaker or usual)
        least = min_confidence or {}
        self._slots = {task.name: Slot(task, self._service, least.get(task.name, 0.0)) for task in tasks}
        self._clock = clock
        self._rng = Random(seed)
        fallbacks = {name: slot.fallback for name, slot in self._slots.items()}
        self._fallback = FallbackAdvisor(fallbacks, clock=clock, seed=seed)
        self._counts = HintCounts()
        self._loading = threading.Lock()
        self._killed: dict[str | None, str] = {}
        self._steering = steering
        self._listeners = tuple(listeners)
        self._asked = Asked()
        self._shadows = Shadows(self._shadowed, clock, seed)

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:
        """A hint for one context; see `dwcp.serving.advisor.Advisor.ask`."""
        started_s = self._clock()
        slot = self._slots.get(task_name)
        if slot is None:
            hint = self._fallback.ask(task_name, context)
            self._counts.add("", hint.reason, "", hint.latency_ms)
            return hint
        steering = self._steering
        route = CHAMPION if steering is None else steering.route(task_name, unit, region)
        model = slot.answering(route.version)
        ref = None if model is None else model.ref
        try:
            decision = self._answer(slot, model, route, context, started_s)
        except DeclinedError as declined:
            hint = self._fallback.answer(task_name, context, declined.reason, declined.detail, started_s, ref)
        else:
            took_ms = (self._clock() - started_s) * 1e3
            hint = Hint(
                decision.action,
                Reason.MODEL,
                decision.confidence,
                ref,
                decision.costs,
                decision.curious,
                latency_ms=took_ms,
            )
        self._counts.add(task_name, hint.reason, "" if ref is None else ref.version, hint.latency_ms)
        if steering is not None:
            asked = "" if ref is None else ref.version
            self._asked.add(context, WhoAnswered(route, asked, hint.reason is Reason.MODEL))
            steering.answered(task_name, route, context, hint)
            if route.shadow and (candidate := slot.beside.get(route.shadow)) is not None:
                self._shadows.offer(Shadowed(task_name, route, context, hint, candidate))
        return hint

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand the outcome to the fallback and to whoever answered; see `Advisor.observe`.

        A learned policy that fails at it has a failure counted at its breaker.
        """
        slot = self._slots.get(task_name)
        if slot is None:
            return
        with slot.changing:
            self._fallback.observe(task_name, context, action, outcome)
        steering = self._steering
        asked = None if steering is None else self._asked.pop(context)
        model = slot.model if asked is None else slot.known(asked.asked)
        if model is not None:
            model.observe(context, action, outcome)
        for listener in self._listeners:
            listener(task_name, context, action, outcome)
        if steering is None or asked is None:
            return
        route, version = asked.route, asked.asked if asked.answered else ""
        steering.judged(task_name, route, _verdict(slot.task, context, action, outcome), version)
        if route.shadow:
            judge = partial(self._judge_shadow, slot, steering, context, outcome)
            self._shadows.when_answered(context, judge)

    def load(self, task_name: str, reference: str = "champion") -> ModelRef:
        """Put the model of an alias or a version in service: read, verify, warm, then swap at once.

        Hints in flight end on the model they began with. When anything fails, what served before goes on
        serving. Loading the model that serves already changes nothing.

        Raises:
            InputError: there is no such task.
            RegistryError: there is no such model, or it is refused.
            ExtraMissingError: onnxruntime is not installed.
        """
        slot = self._slot(task_name)
        with self._loading:
            with slot.failing_as(Reason.FALLBACK_NO_MODEL):
                artifact = self._read(task_name, reference)
            with slot.failing_as(Reason.FALLBACK_SCHEMA_MISMATCH):
                check_fingerprint(artifact.manifest, slot.task.input_spec)
            if slot.model is None or slot.model.ref.digest != artifact.ref.digest:
                with slot.failing_as(Reason.FALLBACK_NO_MODEL):
                    slot.model = self._served(slot, artifact)
            slot.beside.pop(artifact.ref.version, None)
            return slot.model.ref

    def load_beside(self, task_name: str, reference: str) -> ModelRef:
        """Have a model at hand that answers only where a `Steering` sends a question to its version.

        Read, verified and warmed as by `load`; nothing changes for what is in service.

        Raises:
            InputError: there is no such task.
            RegistryError: there is no such model, or it is refused.
            ExtraMissingError: onnxruntime is not installed.
        """
        slot = self._slot(task_name)
        with self._loading:
            artifact = self._read(task_name, reference)
            check_fingerprint(artifact.manifest, slot.task.input_spec)
            model = self._served(slot, artifact)
            slot.beside = {**slot.beside, artifact.ref.version: model}
            return model.ref

    def leave(self, task_name: str, version: str) -> None:
        """Let go of a model that was loaded beside; hints in flight end on it.

        Raises:
            InputError: there is no such task.
        """
        slot = self._slot(task_name)
        with self._loading:
            slot.beside = {name: model for name, model in slot.beside.items() if name != version}

    def unload(self, task_name: str) -> None:
        """Take all models of a task out of service: the rule answers, or what learns online anew.

        Raises:
            InputError: there is no such task.
        """
        slot = self._slot(task_name)
        with self._loading:
            slot.clear()

    def warm(self, task_name: str) -> None:
        """Let a task's policies decide once, so that the first caller does not wait for what is loaded late.

        Raises:
            InputError: there is no such task.
        """
        slot = self._slot(task_name)
        context = slot.task.examples(1, 0)[0].context
        with suppress(DeclinedError):
            if slot.model is not None:
                slot.model.answer(context, self._clock(), self._rng)
        self._fallback.answer(task_name, context, Reason.FALLBACK_NO_MODEL, "", self._clock())

    def reload(self, alias: str = "champion") -> Mapping[str, str]:
        """Put in service what the alias holds now, for every task.

        A task whose alias was rolled back to nothing has its model taken out of service. One that fails for
        any other reason goes on with the model it has. A task that learns while it serves goes on by itself
        where the alias holds nothing.

        Returns:
            Why not, by task; empty when every task serves what the alias holds.
        """
        failures = {}
        for name, slot in self._slots.items():
            try:
                if not self._withdrawn(slot, alias):
                    self.load(name, alias)
            except DwcpError as error:
                failures[name] = str(error)
        return failures

    def models(self) -> Mapping[str, ModelRef | None]:
        """The model in service of each task; None where the fallback alone answers."""
        return {name: slot.model.ref if slot.model else None for name, slot in self._slots.items()}

    def counts(self) -> Mapping[HintKey, int]:
        """How many hints were given so far, by task, reason and version."""
        return self._counts.snapshot()

    def latencies(self) -> Mapping[str, Latencies]:
        """How long hints took so far, by task."""
        return self._counts.latencies()

    def slots(self) -> Mapping[str, Slot]:
        """Each task's place, for what shows or asks models by version; not to be changed."""
        return self._slots

    def settle(self) -> None:
        """What asking leaves for later; for a thread beside."""
        self._asked.settle()

    def now(self) -> float:
        """The time by this advisor's clock, which breakers go by."""
        return self._clock()

    def shadows_dropped(self) -> int:
        """How many questions no candidate in a shadow was asked, because they came too fast."""
        return self._shadows.dropped

    def drained(self, timeout_s: float = 10.0) -> bool:
        """Wait until candidates in a shadow have answered what they were asked; whether that came in time."""
        return self._shadows.drain(timeout_s)

    def kill(self, why: str, task_name: str | None = None) -> None:
        """Let the fallback answer everything, or one task, until `revive`; ``why`` is told with each hint.

        Raises:
            InputError: there is no such task.
        """
        if task_name is not None:
            self._slot(task_name)
        self._killed[task_name] = why

    def revive(self, task_name: str | None = None) -> None:
        """Take back the `kill` with the same ``task_name``."""
        self._killed.pop(task_name, None)

    def snapshot(self, task_name: str) -> State:
        """What a task's policies remember, as JSON values: ``version``, ``fallback`` and ``learned``.

        Raises:
            InputError: there is no such task.
        """
        slot = self._slot(task_name)
        with slot.changing:
            fallback = slot.fallback.snapshot()
        model = slot.model
        if model is None:
            return {"version": None, "fallback": fallback, "learned": None}
        return {"version": model.ref.version, "fallback": fallback, "learned": model.snapshot()}

    def restore(self, task_name: str, state: State) -> None:
        """Continue from a snapshot; what a model of another version remembers is left out.

        Raises:
            InputError: there is no such task, or this is no snapshot of it.
        """
        slot = self._slot(task_name)
        model = slot.model
        try:
            with slot.changing:
                slot.fallback.restore(_part(state, "fallback"))
            if model is not None and state["version"] == model.ref.version:
                model.restore(_part(state, "learned"))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"this is no snapshot of {task_name}: {error!r}") from error

    def close(self) -> None:
        """End the threads that keep deadlines and ask candidates, when nobody asks any more."""
        self._shadows.close()
        self._service.watchdog.close()

    def _shadowed(self, one: Shadowed, candidate: Hint[Any]) -> None:
        if self._steering is not None:
            self._steering.shadowed(one.task_name, one.route, one.hint, candidate)

    def _judge_shadow(
        self, slot: Slot, steering: Steering, context: Any, outcome: Any, route: Route, action: Any
    ) -> None:
        if (candidate := slot.beside.get(route.shadow)) is not None:
            candidate.observe(context, action, outcome)
        steering.shadow_judged(slot.task.name, route, _verdict(slot.task, context, action, outcome))

    def _answer(
        self, slot: Slot, model: ServedPolicy | None, route: Route, context: Any, started_s: float
    ) -> Decision[Any]:
        if self._killed:
            for name in (None, slot.task.name):
                why = self._killed.get(name)
                if why is not None:
                    raise DeclinedError(Reason.KILL_SWITCH, f"switched off: {why}", model_at_fault=False)
        if route.reason is not Reason.MODEL:
            raise DeclinedError(route.reason, route.detail, model_at_fault=False)
        if model is None:
            raise DeclinedError(*slot.absence, model_at_fault=False)
        return model.answer(context, started_s, self._rng)

    def _read(self, task_name: str, reference: str) -> Artifact:
        if self._registry is None:
            raise ArtifactNotFoundError(f"there is no registry to load {task_name} from")
        return self._registry.load(task_name, reference)

    def _served(self, slot: Slot, artifact: Artifact) -> ServedModel:
        return ServedModel(slot.task, artifact, self._service, slot.min_confidence)

    def _withdrawn(self, slot: Slot, alias: str) -> bool:
        """Take the model out of service where the alias holds none; whether nothing is to be loaded."""
        learns = isinstance(slot.task, LearnsOnline)
        if self._registry is None:
            return learns
        try:
            held = alias in self._registry.aliases(slot.task.name)
        except ArtifactNotFoundError as error:
            slot.absence = (Reason.FALLBACK_NO_MODEL, str(error))
            if learns:
                return True
            raise
        with self._loading:
            if not held and slot.model is not None and slot.model.ref.version != ONLINE:
                slot.clear()
        return learns and not held

    def _slot(self, task_name: str) -> Slot:
        slot = self._slots.get(task_name)
        if slot is None:
            known = ", ".join(sorted(self._slots)) or "none"
            raise InputError(f"there is no task {task_name!r}; the tasks here are: {known}")
        return slot


def _part(state: State, name: str) -> State:
    part = state[name]
    if not isinstance(part, Mapping):
        raise TypeError(f"{name!r} is no mapping")
    return part


def _verdict(task: Task, context: Any, action: Any, outcome: Any) -> Verdict:
    """What the outcome tells of the action; never raises."""
    if not isinstance(task, JudgesLive):
        return _NOTHING_TOLD
    try:
        return task.verdict(context, action, outcome)
    except Exception:  # noqa: BLE001 - observing never raises, whatever a task does
        _log.exception("%s cannot judge an outcome", task.name)
        return _NOTHING_TOLD
