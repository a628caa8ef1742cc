"""What predicts sizes and times of every candidate, before links and flows come in: stem, trees, network."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dwcp.task import TrainingOptions
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import FACTS, MEASURES
from dwcp.tasks.compression.model.decision import TARGETS
from dwcp.tasks.compression.model.features import Features
from dwcp.tasks.compression.model.network import Residual, Stem
from dwcp.tasks.compression.model.stem import fit_stem
from dwcp.tasks.compression.model.trees import ComponentTrees, boost
from dwcp.tasks.compression.rows import Rows

__all__ = ["DELTA", "DELTA_COMPONENTS", "PLAIN_COMPONENTS", "Base", "fit_base"]

Floats = NDArray[np.float64]

PLAIN_COMPONENTS, DELTA_COMPONENTS = 6, 3
DELTA = np.tile([action.use_reference for action in CANDIDATES], len(MEASURES))
"""Which targets are of deltas."""

_BATCH = 256
_LARGEST = 1.5
_FEWEST_REFERENCED = 8
_REFERENCE_AT = FACTS.index("reference_window_bytes")
_TIMED = np.repeat([0.0, 1.0, 1.0], len(CANDIDATES))


@dataclass(frozen=True, slots=True)
class Base:
    """What predicts the logarithms of the measures, before flows and links come in."""

    features: Features
    stem: Stem
    plain_trees: ComponentTrees
    delta_trees: ComponentTrees
    network: Residual

    def parts(self, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Stem, trees and network on rows, each ``[rows, targets]``, at the rows' own speed."""
        with torch.no_grad():
            raw, features, depth, slower = self.features(
                torch.from_numpy(rows.facts), torch.from_numpy(rows.speed)
            )
            stem = self.stem(features, depth).numpy() + np.tile(slower.numpy(), len(MEASURES)) * _TIMED
            network = self.network(features, depth).numpy()
        return stem.astype(float), self.trees(raw.numpy()), network.astype(float)

    def trees(self, raw: NDArray[np.float32]) -> Floats:
        """Trees' correction, ``[rows, targets]``."""
        corrections = np.zeros((len(raw), TARGETS))
        corrections[:, ~DELTA] = self.plain_trees.predict(raw)
        corrections[:, DELTA] = self.delta_trees.predict(raw)
        return corrections


def fit_base(rows: Rows, options: TrainingOptions) -> Base:
    """Fit the stem, then trees and network side by side on what it leaves over.

    Args:
        rows: training rows.
        options: seed, epochs, threads.
    """
    features = Features(_typical_speed(rows.speed))
    with torch.no_grad():
        raw, seen, depth, slower = (
            part.numpy() for part in features(torch.from_numpy(rows.facts), torch.from_numpy(rows.speed))
        )
    targets = rows.targets - np.tile(slower, len(MEASURES)) * _TIMED
    weights = _family_weights(rows.family)
    stem = fit_stem(seen.astype(float), depth.argmax(axis=1), targets, weights)
    with torch.no_grad():
        left = targets - stem(torch.from_numpy(seen), torch.from_numpy(depth)).numpy()
    left = np.nan_to_num(np.clip(left, -_LARGEST, _LARGEST))
    referenced = rows.facts[:, _REFERENCE_AT] >= 0
    plain = boost(raw, left[:, ~DELTA], weights, PLAIN_COMPONENTS, options)
    some = referenced if referenced.sum() >= _FEWEST_REFERENCED else np.ones(len(raw), dtype=bool)
    delta = boost(raw[some], left[some][:, DELTA], weights[some], DELTA_COMPONENTS, options)
    return Base(features, stem, plain, delta, _train_network(seen, depth, left, weights, options))


def _typical_speed(speed: NDArray[np.float32]) -> Floats:
    """Geometric mean of each candidate's calibration; 1 where it was never known."""
    known = speed > 0
    logs = np.where(known, np.log(np.where(known, speed, 1.0)), 0.0)
    return np.asarray(np.exp(logs.sum(axis=0) / np.maximum(known.sum(axis=0), 1)), dtype=float)


def _train_network(
    seen: NDArray[np.float32],
    depth: NDArray[np.float32],
    left: Floats,
    weights: Floats,
    options: TrainingOptions,
) -> Residual:
    generator = torch.Generator().manual_seed(options.seed)
    torch.manual_seed(options.seed)
    scale = np.maximum(left.std(axis=0), 1e-4)
    network = Residual(seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3), scale)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = max(len(seen) // _BATCH, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=options.epochs * steps)
    x, d = torch.from_numpy(seen), torch.from_numpy(depth)
    y = torch.from_numpy((left / scale).astype(np.float32))
    w = torch.from_numpy(weights.astype(np.float32)).unsqueeze(1)
    network.train()
    for _ in range(options.epochs):
        order = torch.randperm(len(x), generator=generator)
        for step in range(steps):
            batch = order[step * _BATCH : (step + 1) * _BATCH] if steps > 1 else order
            error = network(x[batch], d[batch]) / network.scale - y[batch]
            loss = (
                w[batch] * nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
            ).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network.eval()


def _family_weights(family: NDArray[np.str_]) -> Floats:
    """A family counts by the square root of its rows, so that large files do not drown small ones."""
    _, position, count = np.unique(family, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(count[position])
    return np.asarray(weights / weights.mean())
