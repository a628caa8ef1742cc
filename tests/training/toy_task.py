"""A tiny task: send over the wide or the narrow pipe, whichever is sooner for this size and load."""

import os
import signal
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

import numpy as np

from dwcp.errors import TrainingError
from dwcp.evaluation import Case, ConstantPolicy, Decision, Gate, OraclePolicy, replay, summary
from dwcp.features import InputColumn, InputSpec
from dwcp.task import LearnerKind, OutputColumn


class Pipe(StrEnum):
    WIDE = "wide"
    NARROW = "narrow"


PIPES = tuple(Pipe)


@dataclass(frozen=True, slots=True)
class Send:
    size_bytes: float
    load: float


@dataclass(frozen=True, slots=True)
class Sent:
    time_s: float


def times(context):
    wide = 0.2 + context.size_bytes / 100 + context.load
    narrow = 0.1 + context.size_bytes / 20
    return {Pipe.WIDE: Sent(wide), Pipe.NARROW: Sent(narrow)}


class LearnedPolicy:
    def __init__(self, graph):
        self.name = "learned"
        self._graph = graph

    def decide(self, context, _now, _rng):
        answer = self._graph.run(arrays([context]))
        costs = dict(zip(PIPES, (float(cost) for cost in answer["costs"][0]), strict=True))
        return Decision(PIPES[int(answer["choice"][0])], 1.0, costs)

    def observe(self, context, action, outcome, now): ...

    def snapshot(self):
        return {}

    def restore(self, state): ...


def arrays(contexts):
    return {
        "size_bytes": np.array([c.size_bytes for c in contexts], dtype=np.float32),
        "load": np.array([c.load for c in contexts], dtype=np.float32),
    }


COLUMNS = (
    InputColumn("size_bytes", "float32", (), "bytes", "size", 0.0),
    InputColumn("load", "float32", (), "1", "load of the wide pipe", 0.0),
)


@dataclass(frozen=True)
class ToyTask:
    """Everything a task has, and ways to go wrong."""

    name: str = "toy"
    fault: str = ""
    kind: LearnerKind = LearnerKind.BATCH
    cost_unit: str = "s"
    gates: tuple[Gate, ...] = (
        Gate("within_5pct", 0.8, "at_least", "near the oracle"),
        Gate("mean_regret", 0.05, "at_most", "little lost"),
    )
    outputs: tuple[OutputColumn, ...] = (
        OutputColumn("costs", "float32", (2,), "s", "predicted time"),
        OutputColumn("choice", "int64", (), "1", "position of the cheapest pipe"),
    )

    @property
    def input_spec(self):
        return InputSpec(self.name, COLUMNS, (("pipe", tuple(PIPES)),))

    def arrays(self, contexts):
        return arrays(contexts)

    def cost(self, _context, outcome):
        return outcome.time_s

    def admissible(self, _context, _action):
        return True

    def fallback(self):
        return ConstantPolicy(Pipe.NARROW, "fallback")

    def baselines(self):
        return (ConstantPolicy(Pipe.WIDE, "always wide"),)

    def oracle(self):
        return OraclePolicy(self.cost)

    def learned(self, graph):
        return LearnedPolicy(graph)

    def learner(self):
        if self.fault == "no extra":
            raise ModuleNotFoundError("No module named 'xgboost'", name="xgboost.core")
        return ToyLearner(self.fault)

    def cases(self, table):
        return self.examples(int(table.read_text()), 7)

    def examples(self, count, seed):
        rng = Random(seed)
        contexts = [Send(rng.uniform(0, 60), rng.uniform(0, 3)) for _ in range(count)]
        return [Case(c, times(c), f"link-{i % 9}", float(i)) for i, c in enumerate(contexts)]

    def judged(self, cases):
        return cases

    def metrics(self, cases, policy, seed):
        return summary(replay(cases, policy, self.cost, seed))

    def card(self):
        return "# Toy\n"


@dataclass
class ToyLearner:
    fault: str

    def fit(self, train, _validation, options, progress):
        for epoch in range(4):
            progress(epoch / 4, f"epoch {epoch}")
        if self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "refused":
            raise TrainingError("the toy refuses to learn")
        if self.fault == "bug":
            raise ZeroDivisionError("a bug in the toy")
        if self.fault == "waits":
            signal.pause()
        from toy_model import fit_network

        return fit_network(train, options, self.fault)


TASK = ToyTask()
SECOND = replace(TASK, name="second")
KILLED = replace(TASK, name="killed", fault="killed")
REFUSED = replace(TASK, name="refused", fault="refused")
BUG = replace(TASK, name="bug", fault="bug")
WAITS = replace(TASK, name="waits", fault="waits")
