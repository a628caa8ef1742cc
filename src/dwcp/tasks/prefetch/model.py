"""The published model: a two-layer LSTM over the last accesses, on a vocabulary of differences or of blocks.

Where blocks have places, the differences between consecutive accesses are classes (Hashemi et al., "Learning
memory access patterns", ICML 2018); where they only have names, the blocks themselves are. The most frequent
of the training accesses make up the vocabulary, everything else is one class, which is never named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.errors import TrainingError
from dwcp.evaluation.policy import Case
from dwcp.task import Arrays, Progress, TrainingOptions
from dwcp.tasks.prefetch.contract import HISTORY, MOST_BLOCKS, NOTHING, Action, Context, Outcome
from dwcp.tasks.prefetch.inputs import OUTPUTS, SPEC, arrays, number_of
from dwcp.training.export import export_module, finish, merge

__all__ = ["FittedNetwork", "PrefetchLearner"]

PrefetchCase = Case[Context, Action, Outcome]

_WIDTH, _LAYERS = 64, 2
_MOST_CLASSES = 1024
_BATCH_ROWS = 128
_LEARNING_RATE = 3e-3
_PATIENCE = 3


class _Network(nn.Module):
    """Raw ids in; blocks likely next and how likely out."""

    vocabulary: Tensor
    origin: Tensor

    def __init__(self, vocabulary: NDArray[np.int64], differences: bool) -> None:
        super().__init__()
        self.register_buffer("vocabulary", torch.from_numpy(vocabulary))
        self.register_buffer("origin", torch.tensor(int(differences)))
        self.embedding = nn.Embedding(len(vocabulary) + 1, _WIDTH)
        self.lstm = nn.LSTM(_WIDTH, _WIDTH, _LAYERS, batch_first=True)
        self.head = nn.Linear(_WIDTH, len(vocabulary) + 1)

    def classes(self, recent: Tensor) -> Tensor:
        """The place in the vocabulary of each step but the first; the class of all others is 0."""
        steps = recent[:, 1:] - recent[:, :-1] * self.origin
        same = (steps.unsqueeze(-1) == self.vocabulary).to(torch.float32)
        places = torch.arange(1, self.vocabulary.shape[0] + 1, dtype=torch.float32)
        return (same * places).sum(dim=-1).to(torch.int64)

    def logits(self, classes: Tensor) -> Tensor:
        """``[batch, vocabulary + 1]``."""
        hidden: Tensor = self.lstm(self.embedding(classes))[0]
        scores: Tensor = self.head(hidden[:, -1])
        return scores

    def forward(self, recent: Tensor) -> tuple[Tensor, Tensor]:
        """The five likeliest blocks and their probabilities."""
        shares = torch.softmax(self.logits(self.classes(recent)), dim=-1)[:, 1:]
        probability, place = torch.topk(shares, MOST_BLOCKS, dim=-1)
        return recent[:, -1:] * self.origin + self.vocabulary[place], probability


class FittedNetwork:
    """The trained network.

    Args:
        network: what was fitted.
        summary: sizes and losses.
    """

    def __init__(self, network: nn.Module, summary: Mapping[str, object]) -> None:
        self._network = network.eval()
        self._summary = summary

    def predict(self, given: Arrays) -> Arrays:
        """What torch says."""
        with torch.no_grad():
            block, probability = self._network(torch.from_numpy(given["recent"]))
        return {"block": block.numpy(), "probability": probability.numpy()}

    def to_onnx(self) -> bytes:
        """The one graph."""
        part = export_module(self._network, SPEC.columns, [column.name for column in OUTPUTS])
        return finish(merge({"lstm": part}, SPEC.columns, OUTPUTS))

    def summary(self) -> Mapping[str, object]:
        """Sizes and losses."""
        return self._summary


class PrefetchLearner:
    """Fits the network to what came next."""

    def fit(
        self,
        train: Sequence[PrefetchCase],
        validation: Sequence[PrefetchCase],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedNetwork:
        """Cross-entropy of the next access; the epoch with the least on ``validation`` is kept.

        The vocabulary is one of differences if every block of ``train`` has a number, else of blocks.

        Raises:
            TrainingError: there is nothing to train on or to stop by, or there are too few different steps.
        """
        if not train or not validation:
            raise TrainingError("the network needs accesses to train on and others to stop by; record more")
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        differences = all(isinstance(block, int) for case in train for block in case.context.recent)
        rows, held = (_rows(cases) for cases in (train, validation))
        network = _Network(_vocabulary(rows, differences), differences)
        inputs, targets = _classes(network, rows)
        held_inputs, held_targets = _classes(network, held)
        best, best_loss, waited = _copied(network), float("inf"), 0
        optimiser = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
        for epoch in range(options.epochs):
            _one_epoch(network, optimiser, inputs, targets)
            loss = _loss(network, held_inputs, held_targets)
            progress((epoch + 1) / options.epochs, f"epoch {epoch + 1}, validation loss {loss:.3f}")
            waited = 0 if loss < best_loss else waited + 1
            if loss < best_loss:
                best, best_loss = _copied(network), loss
            if waited >= _PATIENCE:
                break
        network.load_state_dict(best)
        known = {"differences": differences, "classes": len(network.vocabulary), "validation_loss": best_loss}
        return FittedNetwork(network, known)


def _rows(cases: Sequence[PrefetchCase]) -> NDArray[np.int64]:
    """The accesses before each decision and the one after it, ``[cases, HISTORY + 1]``."""
    before = np.asarray(arrays([case.context for case in cases])["recent"], np.int64)
    after = np.array([number_of(case.outcomes[NOTHING].accessed[0]) for case in cases], np.int64)
    return np.concatenate([before, after.reshape(-1, 1)], axis=1).reshape(-1, HISTORY + 1)


def _vocabulary(rows: NDArray[np.int64], differences: bool) -> NDArray[np.int64]:
    steps = rows[:, -1] - rows[:, -2] if differences else rows[:, -1]
    values, counts = np.unique(steps, return_counts=True)
    if len(values) < MOST_BLOCKS:
        raise TrainingError(
            f"the training accesses take {len(values)} different steps, too few to name {MOST_BLOCKS}; "
            "record more of them"
        )
    return np.sort(values[np.argsort(-counts, kind="stable")[:_MOST_CLASSES]])


def _classes(network: _Network, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Classes of the steps before, and of the one after."""
    parts = torch.split(torch.from_numpy(rows), _BATCH_ROWS)
    classes = torch.cat([network.classes(part) for part in parts])
    return classes[:, :-1], classes[:, -1]


def _one_epoch(network: _Network, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> None:
    network.train()
    for chosen in torch.split(torch.randperm(len(inputs)), _BATCH_ROWS):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network.logits(inputs[chosen]), targets[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _loss(network: _Network, inputs: Tensor, targets: Tensor) -> float:
    network.eval()
    with torch.no_grad():
        total = 0.0
        for chosen in torch.split(torch.arange(len(inputs)), _BATCH_ROWS):
            scores = network.logits(inputs[chosen])
            total += float(nn.functional.cross_entropy(scores, targets[chosen], reduction="sum"))
    return total / len(inputs)


def _copied(network: nn.Module) -> dict[str, Any]:
    return {name: value.clone() for name, value in network.state_dict().items()}
