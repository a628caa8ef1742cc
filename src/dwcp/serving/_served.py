"""A policy in service, with its breaker: one that learns while it serves, or a model with its graph."""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from dwcp.errors import ArtifactRefusedError, GraphError
from dwcp.evaluation.policy import Decision, Policy, State
from dwcp.registry.artifact import Artifact, check_answers
from dwcp.serving._checks import DeclinedError
from dwcp.serving._deadline import Watchdog
from dwcp.serving._guard import GuardedGraph
from dwcp.serving.advisor import told
from dwcp.serving.graph import StoppableGraph
from dwcp.serving.hint import ModelRef, Reason
from dwcp.task import Arrays, Task

__all__ = ["Breaker", "ServedModel", "ServedPolicy", "Service"]

_WARM_RUNS = 10
_log = logging.getLogger(__name__)


class Breaker(Protocol):
    """What the advisor needs of a circuit breaker, from any thread; ``now`` is in seconds."""

    def allow(self, now: float) -> bool:
        """Whether the model may be asked."""
        ...

    def record_success(self, now: float, duration_ms: float) -> None:
        """The model answered, in this time."""
        ...

    def record_failure(self, now: float) -> None:
        """The model failed."""
        ...

    def record_unused(self) -> None:
        """The model was not asked after all."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """On what terms models serve.

    Attributes:
        deadline_s: longest a hint may take.
        clock: seconds that only go forward.
        watchdog: stops graphs that are late.
        open_graph: opens a model file's content.
        new_breaker: makes a model's breaker.
    """

    deadline_s: float
    clock: Callable[[], float]
    watchdog: Watchdog
    open_graph: Callable[[bytes], StoppableGraph]
    new_breaker: Callable[[], Breaker]


class ServedPolicy:
    """A policy that takes traffic under guard.

    Its ``decide`` is called from many threads at once, the rest of it from one at a time.

    Args:
        task: whose policy it is.
        ref: what hints name as their model.
        policy: what decides.
        service: on what terms it serves.
        min_confidence: below this the policy declines.
    """

    def __init__(
        self,
        task: Task,
        ref: ModelRef,
        policy: Policy[Any, Any, Any],
        service: Service,
        min_confidence: float,
    ) -> None:
        self.ref = ref
        self._task = task
        self._service = service
        self._min_confidence = min_confidence
        self._policy = policy
        self._breaker = service.new_breaker()
        self._changing = threading.Lock()

    def answer(self, context: Any, started_s: float, rng: Random) -> Decision[Any]:
        """What the learned policy decides, when that can be trusted and is in time.

        Args:
            context: what the caller knows.
            started_s: when the asking began: the deadline counts from here.
            rng: for policies that explore.

        Raises:
            DeclinedError: it cannot. Nothing else is raised.
        """
        if not self._breaker.allow(started_s):
            detail = f"the breaker of {self.ref.task} {self.ref.version} is open after failures"
            raise DeclinedError(Reason.FALLBACK_BREAKER_OPEN, detail, model_at_fault=False)
        try:
            decision = self._decide(context, started_s, rng)
            self._check(context, decision)
            took_s = self._in_time(started_s)
        except DeclinedError as declined:
            if declined.model_at_fault:
                self._breaker.record_failure(self._service.clock())
            else:
                self._breaker.record_unused()
            raise
        except Exception as error:
            self._breaker.record_failure(self._service.clock())
            raise DeclinedError(Reason.FALLBACK_ERROR, told(error), model_at_fault=True) from error
        self._breaker.record_success(started_s + took_s, took_s * 1e3)
        if decision.confidence < self._min_confidence:
            detail = f"confidence {decision.confidence:.3f} is below {self._min_confidence:g}"
            raise DeclinedError(Reason.FALLBACK_LOW_CONFIDENCE, detail, model_at_fault=False)
        return decision

    def observe(self, context: Any, action: Any, outcome: Any) -> None:
        """Hand an outcome to the policy; when that fails, the breaker counts a failure. Never raises."""
        now = self._service.clock()
        try:
            with self._changing:
                self._policy.observe(context, action, outcome, now)
        except Exception:  # noqa: BLE001 - observing never raises, whatever a policy does
            _log.exception("%s %s cannot take in an outcome", self.ref.task, self.ref.version)
            self._breaker.record_failure(now)

    @property
    def breaker(self) -> Breaker:
        """What stops it from being asked."""
        return self._breaker

    def snapshot(self) -> State:
        """What the policy remembers."""
        with self._changing:
            return self._policy.snapshot()

    def restore(self, state: State) -> None:
        """Let the policy continue from a snapshot."""
        with self._changing:
            self._policy.restore(state)

    def _decide(self, context: Any, started_s: float, rng: Random) -> Decision[Any]:
        return self._policy.decide(context, started_s, rng)

    def _check(self, context: Any, decision: Decision[Any]) -> None:
        detail = ""
        if not 0.0 <= decision.confidence <= 1.0:
            detail = f"the model's confidence is {decision.confidence}, outside 0 to 1"
        elif decision.costs and not math.isfinite(sum(decision.costs.values())):
            detail = "a cost the model predicts is not finite"
        elif not self._task.admissible(context, decision.action):
            detail = f"the model's action {decision.action!r} is not admissible here"
        if detail:
            raise DeclinedError(Reason.FALLBACK_OUT_OF_RANGE, detail, model_at_fault=True)

    def _in_time(self, started_s: float) -> float:
        took_s = self._service.clock() - started_s
        if took_s > self._service.deadline_s:
            detail = f"the model took {took_s * 1e3:.3f} ms of {self._service.deadline_s * 1e3:g} ms"
            raise DeclinedError(Reason.FALLBACK_DEADLINE, detail, model_at_fault=True)
        return took_s


class ServedModel(ServedPolicy):
    """A model that was verified: the learned policy on its guarded graph.

    Args:
        task: whose model it is; its input specification is the model's.
        artifact: the model.
        service: on what terms it serves.
        min_confidence: below this the model declines.

    Raises:
        ArtifactRefusedError: it cannot be opened or run, or does not give its golden answers.
        ExtraMissingError: the library that runs it is not installed.
    """

    def __init__(self, task: Task, artifact: Artifact, service: Service, min_confidence: float) -> None:
        graph = service.open_graph(artifact.model)
        fastest_s = _verify(artifact, graph, service.clock)
        service.watchdog.start()
        self._graph = GuardedGraph(graph, task, service.watchdog, service.clock, fastest_s)
        self.manifest = artifact.manifest
        ref = ModelRef(artifact.ref.task, artifact.ref.version, artifact.ref.digest)
        super().__init__(task, ref, task.learned(self._graph), service, min_confidence)

    def infer(self, arrays: Arrays) -> Arrays:
        """What the graph says of named tensors, batch dimension first, without a deadline.

        Raises:
            DeclinedError: the inputs or the answers fail a check.
            GraphError: the graph cannot be run.
        """
        return self._graph.run(arrays)

    def _decide(self, context: Any, started_s: float, rng: Random) -> Decision[Any]:
        self._graph.set_deadline(started_s + self._service.deadline_s)
        try:
            return super()._decide(context, started_s, rng)
        finally:
            self._graph.set_deadline(math.inf)


def _verify(artifact: Artifact, graph: StoppableGraph, clock: Callable[[], float]) -> float:
    """Hold a graph against its golden answers and warm it; the shortest run of one decision in seconds."""
    name = f"{artifact.ref.task} {artifact.ref.version}"
    if not any(array.size for array in artifact.golden.outputs.values()):
        raise ArtifactRefusedError(f"{name} has no golden answers to be held against; train it again")
    try:
        check_answers(artifact, graph)
        return _warm(graph, artifact.golden.inputs, clock)
    except GraphError as error:
        raise ArtifactRefusedError(f"{name} cannot be run on its golden inputs: {error}") from error


def _warm(graph: StoppableGraph, arrays: Arrays, clock: Callable[[], float]) -> float:
    one = {name: array[:1] for name, array in arrays.items()}
    fastest_s = math.inf
    for _ in range(_WARM_RUNS):
        started_s = clock()
        graph.run(one)
        fastest_s = min(fastest_s, clock() - started_s)
    return fastest_s
