"""Times asking and observing, with everything beside the model off and on, in turns."""

import copy
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from dwcp.cli.serving_watch import Watch
from dwcp.evaluation.policy import Decision
from dwcp.registry import Registry
from dwcp.safety.rollout import Stage
from dwcp.serving import Reason
from dwcp.serving.graph import StoppableGraph
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Arrays, Graph, Task
from hint_steering import begin_experiments, begin_rollout
from serving_models import draft_of, publish_copy

__all__ = ["Asking", "CannedGraph", "NoTask", "Timed", "time_in_turns"]

CONTEXTS, UNITS = 5000, 1000
EXAMPLES = 1000
SEED = 7
WARM_ASKS = 500
TURN = 500
"""Asks before it is the other advisor's turn, so that both meet the same machine."""


class CannedGraph:
    """Answers at once: the golden answers for as many rows, else the first of them."""

    def __init__(self, answers: Arrays) -> None:
        self._answers = answers
        self._first = {name: array[:1] for name, array in answers.items()}
        self._rows = len(next(iter(answers.values())))

    def prepare(self) -> "CannedGraph":
        """One run is like another."""
        return self

    def run(self, arrays: Arrays) -> Arrays:
        """The answers that stand ready."""
        rows = len(next(iter(arrays.values())))
        return self._answers if rows == self._rows else self._first

    def stop(self) -> None:
        """It is over already."""


@dataclass(frozen=True)
class NoPolicy:
    """Runs the graph on arrays that stand ready, and decides what was decided before."""

    graph: Graph
    arrays: Arrays
    decision: Decision[Any]

    def decide(self, *_: Any, **__: Any) -> Decision[Any]:
        """The decision that stands ready."""
        self.graph.run(self.arrays)
        return self.decision

    def observe(self, *_: Any) -> None:
        """Nothing is learned."""

    def snapshot(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}


class NoTask:
    """A task in all that the advisor checks, with nothing left to compute in its learned policy."""

    def __init__(self, task: Task, context: Any) -> None:
        self._task = task
        self._arrays = task.arrays([context])
        self._decision = task.fallback().decide(context, 0.0, Random(0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def learned(self, graph: Graph) -> Any:
        """The policy with nothing to compute."""
        return NoPolicy(graph, self._arrays, self._decision)


@dataclass
class Timed:
    """Asks of one advisor, in nanoseconds.

    Attributes:
        in_experiment_ns: asks for units that an experiment has.
        in_rollout_ns: all others.
        observed_ns: outcomes told.
        reasons: of the hints.
    """

    in_experiment_ns: list[int] = field(default_factory=list)
    in_rollout_ns: list[int] = field(default_factory=list)
    observed_ns: list[int] = field(default_factory=list)
    reasons: Counter[Reason] = field(default_factory=Counter)

    def percentile_ns(self, percentile: float) -> float:
        """Over all asks."""
        return float(np.percentile(self.in_experiment_ns + self.in_rollout_ns, percentile))


class Asking:
    """What is asked of whom.

    Args:
        tasks: all of them, by name.
        name: of the one that is asked.
        other: of one that another experiment is about.
        registry: holds its champion; gets a copy as candidate.
        home: an empty folder.
    """

    def __init__(
        self, tasks: Mapping[str, Task], name: str, other: str, registry: Registry, home: Path
    ) -> None:
        now, self.task, self.home = time.time(), tasks[name], home
        self._tasks, self._registry = tasks, registry
        self._artifact = registry.load(name)
        candidate = publish_copy(registry, draft_of(self._artifact, self.task), SEED, now)
        begin_rollout(home, name, (candidate, self._artifact.ref.version), Stage.CANARY_5, now)
        experiment = begin_experiments(home, name, other, candidate, now)
        self.units = [f"link-{number}" for number in range(UNITS)]
        self.in_experiment = [experiment.arm(unit) is not None for unit in self.units]
        self._cases = self.task.examples(EXAMPLES, SEED)
        self.contexts_words = f"{EXAMPLES} simulated examples of the task, seed {SEED}, for {UNITS} units"

    def contexts(self, *, with_model: bool) -> list[tuple[Any, Any, Any]]:
        """Contexts, each an object of its own as a server makes them, with an action and its outcome."""
        cases = self._cases if with_model else self._cases[:1]
        return [
            (copy.copy(case.context), *next(iter(case.outcomes.items())))
            for case in (cases[number % len(cases)] for number in range(CONTEXTS))
        ]

    @contextmanager
    def advisors(self, *, with_model: bool) -> Iterator[tuple[LocalAdvisor, LocalAdvisor]]:
        """The advisor by itself, and the one as it serves; both loaded, the second one kept."""
        task: Any = self.task if with_model else NoTask(self.task, self._cases[0].context)
        tasks = {**self._tasks, task.name: task}

        def opened(model: bytes) -> StoppableGraph:
            return OnnxGraph(model) if with_model else CannedGraph(self._artifact.golden.outputs)

        with ExitStack() as stack:
            off = LocalAdvisor(tasks.values(), self._registry, open_graph=opened)
            watch = Watch(self.home, self._tasks, self._registry)
            on = LocalAdvisor(
                tasks.values(),
                self._registry,
                open_graph=opened,
                steering=watch.helm,
                listeners=[watch.take_in],
            )
            for advisor in (off, on):
                stack.enter_context(closing(advisor))
                advisor.load(task.name)
            keeper = stack.enter_context(closing(watch.keeper(on, lambda _event, _words: None)))
            keeper.tick()
            keeper.start()
            yield off, on


def time_in_turns(asking: Asking, asks: int, *, with_model: bool) -> tuple[Timed, Timed]:
    """Ask both advisors, off and on, the same; ``asks`` times each."""
    contexts = asking.contexts(with_model=with_model)
    off, on = Timed(), Timed()
    with asking.advisors(with_model=with_model) as advisors:
        for advisor in advisors:
            _ask(advisor, asking, contexts, range(WARM_ASKS), Timed())
        for begin in range(0, asks, TURN):
            numbers = range(begin, min(begin + TURN, asks))
            for advisor, timed in zip(advisors, (off, on), strict=True):
                _ask(advisor, asking, contexts, numbers, timed)
    return off, on


def _ask(
    advisor: LocalAdvisor,
    asking: Asking,
    contexts: Sequence[tuple[Any, Any, Any]],
    numbers: range,
    timed: Timed,
) -> None:
    """Ask, and of every tenth question tell the outcome."""
    name, clock = asking.task.name, time.perf_counter_ns
    for number in numbers:
        context, action, outcome = contexts[number % CONTEXTS]
        place = number % UNITS
        unit = asking.units[place]
        started_ns = clock()
        hint = advisor.ask(name, context, unit=unit)
        took_ns = clock() - started_ns
        (timed.in_experiment_ns if asking.in_experiment[place] else timed.in_rollout_ns).append(took_ns)
        timed.reasons[hint.reason] += 1
        if number % 10 == 0:
            started_ns = clock()
            advisor.observe(name, context, action, outcome)
            timed.observed_ns.append(clock() - started_ns)
