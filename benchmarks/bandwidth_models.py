"""What the benchmark trains, and what the trained say of every row beforehand, many rows at once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost

from bandwidth_sets import SEED, SETS, BandwidthCase, load
from dwcp.evaluation import Shares, split_by_group
from dwcp.task import Arrays, Graph, TrainingOptions
from dwcp.tasks.bandwidth.contract import Context
from dwcp.tasks.bandwidth.examples import simulated_cases
from dwcp.tasks.bandwidth.inputs import arrays
from dwcp.tasks.bandwidth.model import BandwidthLearner, BoostedTrees
from dwcp.training.graph import ExportedGraph
from dwcp.training.parity import check_parity

SIMULATED_CASES = 24_000
SIMULATED_SHARES: Shares = (0.85, 0.1, 0.05)
TREE_ROUNDS = 120
PARITY_ROWS, PARITY_TOLERANCE = 500, 1e-4
"""Wide, so that a difference is reported and does not end the run."""
AT_ONCE = 512


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what.

    Attributes:
        name: for tables.
        network: one of the learner's networks; ``trees`` for the reference.
        simulated: on simulated links alone, else on the training traces of all sets pooled.
        rows: the most rows of training; the published networks take long.
        epochs: passes over them.
    """

    name: str
    network: str
    simulated: bool
    rows: int
    epochs: int


RECIPES = (
    Recipe("tcn", "tcn", False, 200_000, 12),
    Recipe("lstm-256-128", "lstm-256-128", False, 5_000, 3),
    Recipe("lstm-128-64", "lstm-128-64", False, 12_000, 4),
    Recipe("tcn-simulated", "tcn", True, SIMULATED_CASES, 12),
    Recipe("trees", "trees", False, 200_000, TREE_ROUNDS),
)


@dataclass(frozen=True)
class Trained:
    """A trained model, small enough to be handed to another process.

    Attributes:
        name: the recipe's.
        content: its graph, or its boosters.
        training_s: how long it took.
        rows: how many rows it saw.
        parity: largest difference between trained and exported; None where nothing is exported.
    """

    name: str
    content: bytes | tuple[bytes, ...]
    training_s: float
    rows: int
    parity: float | None

    def graph(self) -> Graph:
        """The model, to be asked."""
        if isinstance(self.content, bytes):
            return ExportedGraph(self.content)
        boosters = [xgboost.Booster(model_file=bytearray(content)) for content in self.content]
        return BoostedTrees(boosters)


class Foretold:
    """A graph whose answers are known beforehand: what a policy asks for is looked up."""

    def __init__(self, graph: Graph, cases: Sequence[BandwidthCase]) -> None:
        self._answers: dict[bytes, Arrays] = {}
        for begin in range(0, len(cases), AT_ONCE):
            asked = arrays([case.context for case in cases[begin : begin + AT_ONCE]])
            answers = graph.run(asked)
            for row in range(len(asked["window"])):
                one = {name: answer[row : row + 1] for name, answer in answers.items()}
                self._answers[_key(asked, row)] = one

    def run(self, given: Arrays) -> Arrays:
        """The answer to one row."""
        return self._answers[_key(given, 0)]

    def throughputs(self, contexts: Sequence[Context]) -> np.ndarray:
        """Quantiles, ``[contexts, 2, 3]``."""
        return np.concatenate([self.run(arrays([context]))["throughput_mbps"] for context in contexts])


def _key(given: Arrays, row: int) -> bytes:
    return given["window"][row].tobytes() + given["epoch_s"][row].tobytes() + given["step_s"][row].tobytes()


def train(recipe: Recipe, folder: Path, most: tuple[int, int, int]) -> Trained:
    """Train one model; reads the sets itself, so that it can run in a process of its own."""
    started = time.perf_counter()
    train_cases, validation = _simulated() if recipe.simulated else _pooled(folder, most)
    step = max(1, -(-len(train_cases) // recipe.rows))
    train_cases = train_cases[::step]
    validation = validation[:: max(1, len(validation) // max(1, len(train_cases) // 2))]
    options = TrainingOptions(seed=SEED, epochs=recipe.epochs, extra={"network": recipe.network})
    if recipe.network == "trees":
        trees = BoostedTrees.fit(train_cases, validation, options)
        content: bytes | tuple[bytes, ...] = trees.to_bytes()
        return Trained(recipe.name, content, time.perf_counter() - started, len(train_cases), None)
    fitted = BandwidthLearner().fit(train_cases, validation, options, _silent)
    model = fitted.to_onnx()
    rows = arrays([case.context for case in validation[:: max(1, len(validation) // PARITY_ROWS)]])
    parity = check_parity(fitted, model, rows, PARITY_TOLERANCE)
    return Trained(recipe.name, model, time.perf_counter() - started, len(train_cases), parity)


def _pooled(folder: Path, most: tuple[int, int, int]) -> tuple[list[BandwidthCase], list[BandwidthCase]]:
    found = [load(which, folder, most) for which in SETS if (folder / which.file).is_file()]
    return [case for one in found for case in one.train], [case for one in found for case in one.validation]


def _simulated() -> tuple[list[BandwidthCase], list[BandwidthCase]]:
    split = split_by_group(simulated_cases(SIMULATED_CASES, SEED), SIMULATED_SHARES, SEED)
    return list(split.train), list(split.validation)


def _silent(share: float, words: str) -> None:
    """Tell nobody."""


def by_name(trained: Sequence[Trained]) -> Mapping[str, Trained]:
    """Each by its name."""
    return {one.name: one for one in trained}
