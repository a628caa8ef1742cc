"""A fleet judged node by node, and with the graph asked about many nodes at once."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dwcp.cli.detecting import Detector
from dwcp.cli.session import Session
from dwcp.registry import Registry
from dwcp.serving import Hint
from dwcp.tasks.reliability.contract import STEPS, Context, Outcome
from dwcp.tasks.reliability.examples import simulated_fleet
from dwcp.tasks.reliability.series import cases_of
from dwcp.tasks.reliability.task import TASK
from serving_models import WHO, draft_of, publish_copy

__all__ = ["NODES", "judged_fleet"]

ResultT = TypeVar("ResultT")

NODES, ROUNDS = 100, 30
SEED = 7
_UNKNOWN = partial(Outcome, kind="unknown")


def judged_fleet(registry: Registry, home: Path) -> dict[str, float]:
    """Milliseconds of judging all nodes of a step, either way; medians of steps, the two ways in turns.

    Args:
        registry: has a detector.
        home: an empty folder.
    """
    own = Registry(home / "registry")
    version = publish_copy(own, draft_of(registry.load(TASK.name, "latest"), TASK), SEED, time.time())
    own.promote(TASK.name, version, now=time.time(), who=WHO, why="to measure batches")
    fleet = simulated_fleet("fleet", NODES, ROUNDS, np.random.default_rng(SEED))
    contexts = (case.context for case in cases_of(fleet, range(STEPS, STEPS + ROUNDS)))
    alone_ms: list[float] = []
    together_ms: list[float] = []
    alike = 0
    furthest = 0.0
    with ExitStack() as stack:
        one, other = (stack.enter_context(closing(Detector(Session(), own.root, TASK))) for _ in range(2))
        for _ in range(ROUNDS):
            nodes = list(islice(contexts, NODES))
            by_one = _timed(partial(_one_by_one, one, nodes), alone_ms)
            at_once = _timed(partial(_together, other, nodes), together_ms)
            pairs = [(a.action, b.action) for a, b in zip(by_one, at_once, strict=True)]
            alike += sum(a == b and a.alarm == b.alarm for a, b in pairs)
            furthest = max(furthest, *(abs(a.margin - b.margin) for a, b in pairs))
    return {
        "one_by_one_ms": float(np.median(alone_ms)),
        "together_ms": float(np.median(together_ms)),
        "alike_share": alike / (NODES * ROUNDS),
        "margins_differ": furthest,
    }


def _one_by_one(detector: Detector, nodes: Sequence[Context]) -> list[Hint[Any]]:
    return [detector.judge(node, _UNKNOWN) for node in nodes]


def _together(detector: Detector, nodes: Sequence[Context]) -> list[Hint[Any]]:
    return list(detector.judge_all(nodes, _UNKNOWN))


def _timed(judge: Callable[[], ResultT], taken_ms: list[float]) -> ResultT:
    started_ns = time.perf_counter_ns()
    judged = judge()
    taken_ms.append((time.perf_counter_ns() - started_ns) / 1e6)
    return judged
