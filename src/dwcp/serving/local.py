"""The advisor that runs models in this process.

A hint's way: kill switch, a loaded model, its breaker, its inputs' range, the graph under the deadline,
the range of its answer, its confidence. Whatever stops it on the way, the task's fallback answers, and the
hint says why.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any, Protocol

from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError
from dwcp.evaluation.policy import Decision, State
from dwcp.registry.artifact import Artifact, check_fingerprint
from dwcp.safety.breaker import CircuitBreaker
from dwcp.serving._checks import DeclinedError
from dwcp.serving._deadline import Watchdog
from dwcp.serving._served import Breaker, ServedModel, ServedPolicy, Service
from dwcp.serving.advisor import FallbackAdvisor
from dwcp.serving.counts import HintCounts, HintKey
from dwcp.serving.graph import StoppableGraph
from dwcp.serving.hint import Hint, ModelRef, Reason
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import LearnsOnline, Task

__all__ = ["ONLINE", "ArtifactSource", "LocalAdvisor"]

ONLINE = "online"
"""The version that hints name where a policy learned while it served."""


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


class _Slot:
    """A task's place: the model in service, or why there is none.

    Both are replaced whole, so a hint sees one or the other; a replaced model lives on until the last hint
    that began with it ends.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.fallback = task.fallback()
        self.changing = threading.Lock()
        """Held by whoever changes or copies what the fallback remembers."""
        self.model: ServedPolicy | None = None
        self.absence = (Reason.FALLBACK_NO_MODEL, "no model has been loaded")

    @contextmanager
    def failing_as(self, reason: Reason) -> Iterator[None]:
        """Keep what goes wrong inside as the reason there is no model."""
        try:
            yield
        except DwcpError as error:
            self.absence = (reason, str(error))
            raise


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
        new_breaker: makes the breaker of each model that is loaded.
        open_graph: opens a model file's content.
        clock: seconds that only go forward.
        seed: seed of the generator that policies are handed.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        registry: ArtifactSource | None,
        *,
        deadline_ms: float = 5.0,
        min_confidence: Mapping[str, float] | None = None,
        new_breaker: Callable[[], Breaker] = CircuitBreaker,
        open_graph: Callable[[bytes], StoppableGraph] = OnnxGraph,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
    ) -> None:
        self._slots = {task.name: _Slot(task) for task in tasks}
        self._registry = registry
        self._min_confidence = dict(min_confidence or {})
        self._service = Service(deadline_ms / 1e3, clock, Watchdog(), open_graph, new_breaker)
        for name, slot in self._slots.items():
            if isinstance(slot.task, LearnsOnline):
                ref, least = ModelRef(name, ONLINE, ""), self._min_confidence.get(name, 0.0)
                slot.model = ServedPolicy(slot.task, ref, slot.task.online(), self._service, least)
        self._clock = clock
        self._rng = Random(seed)
        fallbacks = {name: slot.fallback for name, slot in self._slots.items()}
        self._fallback = FallbackAdvisor(fallbacks, clock=clock, seed=seed)
        self._counts = HintCounts()
        self._loading = threading.Lock()
        self._killed: dict[str | None, str] = {}

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """A hint for one context; see `dwcp.serving.advisor.Advisor.ask`."""
        started_s = self._clock()
        slot = self._slots.get(task_name)
        if slot is None:
            hint = self._fallback.ask(task_name, context)
            self._counts.add(HintKey("", hint.reason, ""))
            return hint
        model = slot.model
        ref = None if model is None else model.ref
        try:
            decision = self._answer(slot, model, context, started_s)
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
        self._counts.add(HintKey(task_name, hint.reason, "" if ref is None else ref.version))
        return hint

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand the outcome to the fallback and the learned policy; see `Advisor.observe`.

        A learned policy that fails at it has a failure counted at its breaker.
        """
        slot = self._slots.get(task_name)
        if slot is None:
            return
        with slot.changing:
            self._fallback.observe(task_name, context, action, outcome)
        model = slot.model
        if model is not None:
            model.observe(context, action, outcome)

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
                    least = self._min_confidence.get(task_name, 0.0)
                    slot.model = ServedModel(slot.task, artifact, self._service, least)
            return slot.model.ref

    def reload(self, alias: str = "champion") -> Mapping[str, str]:
        """Put in service what the alias holds now, for every task.

        A task whose alias was rolled back to nothing has its model taken out of service. One that fails for
        any other reason goes on with the model it has. A task that learns while it serves is left alone.

        Returns:
            Why not, by task; empty when every task serves what the alias holds.
        """
        failures = {}
        for name, slot in self._slots.items():
            if isinstance(slot.task, LearnsOnline):
                continue
            try:
                self._withdraw_unless_held(slot, alias)
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
        """End the thread that keeps deadlines, when nobody asks any more."""
        self._service.watchdog.close()

    def _answer(
        self, slot: _Slot, model: ServedPolicy | None, context: Any, started_s: float
    ) -> Decision[Any]:
        if self._killed:
            for name in (None, slot.task.name):
                why = self._killed.get(name)
                if why is not None:
                    raise DeclinedError(Reason.KILL_SWITCH, f"switched off: {why}", model_at_fault=False)
        if model is None:
            raise DeclinedError(*slot.absence, model_at_fault=False)
        return model.answer(context, started_s, self._rng)

    def _read(self, task_name: str, reference: str) -> Artifact:
        if self._registry is None:
            raise ArtifactNotFoundError(f"there is no registry to load {task_name} from")
        return self._registry.load(task_name, reference)

    def _withdraw_unless_held(self, slot: _Slot, alias: str) -> None:
        if self._registry is None:
            return
        with self._loading, slot.failing_as(Reason.FALLBACK_NO_MODEL):
            if alias not in self._registry.aliases(slot.task.name):
                slot.model = None

    def _slot(self, task_name: str) -> _Slot:
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
