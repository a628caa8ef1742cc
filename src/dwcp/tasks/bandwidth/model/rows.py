"""Training rows: raw arrays, and what came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dwcp.evaluation.policy import Case
from dwcp.task import Arrays
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome
from dwcp.tasks.bandwidth.inputs import SPEC, arrays
from dwcp.tasks.bandwidth.model.features import Anchors, Features
from dwcp.tasks.bandwidth.oracle import truths

__all__ = ["TARGETS", "Made", "Rows", "made_of", "rows_of", "tensors"]

TARGETS = ("next_step", "horizon", "rtt_ms", "jitter_ms", "packet_loss")
"""Positions of what came."""

_CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to learn from.

    Attributes:
        raw: a tensor a column of the input specification, in its order.
        targets: ``[rows, targets]``; NaN where something was not measured, or limited by the application.
    """

    raw: tuple[Tensor, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Tensor) -> "Rows":
        """These rows, by number."""
        return Rows(tuple(tensor[rows] for tensor in self.raw), self.targets[rows])


@dataclass(frozen=True, slots=True)
class Made:
    """Rows with their features made, which training then need not do again every epoch.

    Attributes:
        channels: ``[rows, CHANNELS, WINDOW]``.
        figures: ``[rows, FIGURES]``.
        anchors: what forecasts are relative to.
        targets: as in `Rows`.
    """

    channels: Tensor
    figures: Tensor
    anchors: Anchors
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Tensor) -> "Made":
        """These rows, by number."""
        anchors = Anchors(*(getattr(self.anchors, name)[rows] for name in Anchors.__slots__))
        return Made(self.channels[rows], self.figures[rows], anchors, self.targets[rows])


def made_of(features: Features, rows: Rows) -> Made:
    """Make the features of all rows."""
    with torch.no_grad():
        parts = [features(*rows.take(chosen).raw) for chosen in torch.split(torch.arange(len(rows)), _CHUNK)]
    anchors = (torch.cat([getattr(part[2], name) for part in parts]) for name in Anchors.__slots__)
    channels, figures = (torch.cat([part[place] for part in parts]) for place in range(2))
    return Made(channels, figures, Anchors(*anchors), rows.targets)


def rows_of(cases: Sequence[Case[Context, Action, Outcome]]) -> Rows:
    """Cases as rows."""
    came = [_came(next(iter(case.outcomes.values()))) for case in cases]
    targets = np.array(came, np.float32).reshape(len(cases), len(TARGETS))
    return Rows(tensors(arrays([case.context for case in cases])), torch.from_numpy(targets))


def tensors(given: Arrays) -> tuple[Tensor, ...]:
    """Arrays in the order of the input specification."""
    return tuple(torch.from_numpy(_contiguous(given[column.name])) for column in SPEC.columns)


def _contiguous(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.ascontiguousarray(values)


def _came(outcome: Outcome) -> tuple[float, ...]:
    step = outcome.steps[0]
    figures = (*truths(outcome.steps), step.rtt_ms, step.jitter_ms, step.packet_loss)
    return tuple(float("nan") if figure is None else figure for figure in figures)
