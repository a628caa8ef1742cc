"""The learner: a linear stem, boosted trees and a network on what it leaves over, and what flows teach."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dwcp.codecs.probe import affordable_depth
from dwcp.evaluation.policy import Case
from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, CostModel, Outcome
from dwcp.tasks.compression.grid import COST_MODELS, LINKS_MBPS
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.base import fit_base
from dwcp.tasks.compression.model.decision import TARGETS, FlowPrior
from dwcp.tasks.compression.model.features import DEPTHS
from dwcp.tasks.compression.model.fitted import FittedCompression
from dwcp.tasks.compression.model.prior import fit_prior
from dwcp.tasks.compression.rows import Rows, rows_of

__all__ = ["WEIGHTS", "CompressionLearner"]

Floats = NDArray[np.float64]

_FOLDS = 4
_PUBLISHED = (0.7, 0.3)
WEIGHTS = (
    _PUBLISHED,
    (0.0, 0.0),
    (0.35, 0.15),
    (0.25, 0.25),
    (0.5, 0.5),
    (0.35, 0.65),
    (1.0, 0.0),
    (0.0, 1.0),
)
"""Shares of trees and network that are tried on the validation folds; the published pair comes first."""
_CLEARLY = 0.95
"""The published shares stay unless another pair's validation regret is below this part of theirs."""
_MOST_REGRET = 0.5
_LARGEST = 1.5

_MIB = 1024 * 1024


class CompressionLearner:
    """Fits the selector."""

    def fit(
        self,
        train: Sequence[Case[Context, Action, Outcome]],
        validation: Sequence[Case[Context, Action, Outcome]],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedCompression:
        """Cross-validate over families for weights and flow prior, then fit on everything given.

        Every family is once left out of a fold: its residuals then are those of data never seen, which is
        what the shares of trees and network, the flow prior and the confidence are fitted on.
        """
        torch.set_num_threads(options.threads)
        rows = rows_of([*train, *validation])
        parts = np.zeros((3, len(rows.depth), TARGETS))
        folds = _folds(rows.family, options.seed)
        for fold in range(_FOLDS):
            progress(fold / (_FOLDS + 1), f"fold {fold + 1} of {_FOLDS}")
            left_out = folds == fold
            if left_out.any() and not left_out.all():
                base = fit_base(rows.take(~left_out), options)
                parts[:, left_out] = base.parts(rows.take(left_out))
        tried = {pair: _regret(rows, _mix(parts, pair)) for pair in WEIGHTS}
        best = min(tried, key=tried.__getitem__)
        weights = best if tried[best] < _CLEARLY * tried[_PUBLISHED] else _PUBLISHED
        progress(_FOLDS / (_FOLDS + 1), "all families")
        base = fit_base(rows, options)
        residuals = rows.targets - _mix(parts, weights)
        named = {f"trees {t:g}, network {n:g}": regret for (t, n), regret in tried.items()}
        return FittedCompression(base, *weights, *_flow_terms(rows, residuals), named)


def _folds(family: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    names = np.unique(family)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: int(place % _FOLDS) for name, place in zip(names, shuffled, strict=True)}
    return np.array([fold_of[name] for name in family])


def _mix(parts: Floats, weights: tuple[float, float]) -> Floats:
    return np.asarray(parts[0] + weights[0] * parts[1] + weights[1] * parts[2])


def _flow_terms(rows: Rows, residuals: Floats) -> tuple[FlowPrior, Floats]:
    deviation = [_root_mean_square(residuals[rows.depth == depth]) for depth in range(DEPTHS)]
    return fit_prior(residuals, rows.depth, rows.flow), np.array(deviation)


def _root_mean_square(residuals: Floats) -> Floats:
    """Of each target, outliers clipped; zero where a target was never measured."""
    known = ~np.isnan(residuals)
    squares = np.where(known, np.clip(residuals, -_LARGEST, _LARGEST) ** 2, 0.0)
    return np.asarray(np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1)))


def _regret(rows: Rows, predicted: Floats) -> float:
    """Mean regret over families and the grid of links, each row's clipped: what the shares are chosen by."""
    _, family, count = np.unique(rows.family, return_inverse=True, return_counts=True)
    total = []
    for mbps in LINKS_MBPS:
        at = rows.depth == int(affordable_depth(mbps))
        for model in COST_MODELS:
            measured, guessed = (_costs(logs[at], mbps, model) for logs in (rows.targets, predicted))
            chosen = np.where(np.isnan(measured), np.inf, guessed).argmin(axis=1)
            best = np.nanmin(measured, axis=1)
            regret = measured[np.arange(len(chosen)), chosen] / best - 1
            total.append(float(np.average(np.minimum(regret, _MOST_REGRET), weights=1 / count[family[at]])))
    return float(np.mean(total))


def _costs(logs: Floats, mbps: float, model: CostModel) -> Floats:
    """Milliseconds for a MiB, ``[rows, candidates]``."""
    ratio, compress_ms, _ = np.exp(logs.reshape(-1, len(MEASURES), len(CANDIDATES))).transpose(1, 0, 2)
    network_ms = ratio * _MIB * 8e-3 / mbps
    serial = model is CostModel.SERIAL
    return np.asarray(network_ms + compress_ms if serial else np.maximum(network_ms, compress_ms))
