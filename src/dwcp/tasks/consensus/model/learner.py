"""The learner: trees on labelled faults, networks on quiet seconds; then fusion on validation rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dwcp.errors import TrainingError
from dwcp.evaluation.classification import average_precision
from dwcp.task import Progress, TrainingOptions
from dwcp.tasks.consensus.inputs import PARTS
from dwcp.tasks.consensus.model.boosting import boost, channel_weights
from dwcp.tasks.consensus.model.fitted import FittedConsensus, Parts
from dwcp.tasks.consensus.model.fusion import Fusion, parts_of
from dwcp.tasks.consensus.model.networks import fit_networks
from dwcp.tasks.consensus.model.operating import operating_point, out_of_fold
from dwcp.tasks.consensus.model.rows import Rows, joined, rows_of
from dwcp.tasks.consensus.names import CHANNELS
from dwcp.tasks.consensus.quiet import TARGET_FPR, conformal_threshold
from dwcp.tasks.consensus.series import ConsensusCase

__all__ = ["ConsensusLearner"]

_CLEARLY = 0.01
_MIXES = ((0,), (0, 4), (0, 1), (0, 2), (0, 3), (0, 1, 4), (0, 1, 2, 3, 4), (1, 4), (1,), (3,))
"""Which parts are weighed together.

The simplest first, another only if it is clearly better and no score speaks against an anomaly.
"""
_TINY_ROWS, _TINY_SHRINK = 400, 8
_STIFFNESS = 1.0
_TOLD_CHANNELS = 12

Floats = NDArray[np.float64]


class ConsensusLearner:
    """Fits the detector; ``options.extra["seeds"]`` says how many autoencoders, 1 unless given."""

    def fit(
        self,
        train: Sequence[ConsensusCase],
        validation: Sequence[ConsensusCase],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedConsensus:
        """Parts, their weights and the threshold.

        Networks learn ``train`` and stop by ``validation``. Trees are taught both; so that nothing is weighed
        on rows that they know, weights and threshold are taken from trees fitted without each part in turn.

        Raises:
            TrainingError: a part of the rows has no fault in it, or nothing else; or seeds is no count.
        """
        seeds = _seeds(options)
        torch.set_num_threads(options.threads)
        given, held = rows_of(train, "training"), rows_of(validation, "validation")
        progress(0.05, "trees")
        rows = joined(given, held)
        taught = rows.taught
        boosters = boost(
            rows.seen.table.numpy()[taught], rows.injected[taught], options, weight=rows.weight[taught]
        )
        shrink = _TINY_SHRINK if len(given.kinds) < _TINY_ROWS else 1
        networks = fit_networks(
            given, held, options, seeds, shrink, lambda done, words: progress(0.2 + 0.6 * done, words)
        )
        progress(0.8, "weighing the parts")
        parts, evidence = Parts(boosters, networks), channel_weights(boosters)
        seen = _unseen_scores(parts, rows, options)
        weights, tried = _fuse(seen[rows.judged], rows.faults[rows.judged])
        progress(0.95, "choosing the threshold")
        threshold, curve = operating_point(seen @ weights[:-1] + weights[-1], rows)
        summary = {
            "rows": int(taught.sum()),
            "weights": dict(zip((*PARTS, "intercept"), weights.tolist(), strict=True)),
            "threshold": threshold,
            "trees_threshold": conformal_threshold(
                seen[np.isin(rows.kinds, ("quiet", "benign")), 0], TARGET_FPR
            ),
            "validation_pr_auc": tried,
            "curve": curve,
            "channels": {
                CHANNELS[place]: round(float(evidence[place]), 3)
                for place in np.argsort(-evidence, kind="stable")[:_TOLD_CHANNELS]
            },
        }
        return FittedConsensus(parts, Fusion(weights, threshold, evidence), summary)


def _seeds(options: TrainingOptions) -> int:
    wanted = options.extra.get("seeds", 1)
    if not isinstance(wanted, int) or wanted < 1:
        raise TrainingError(f"seeds says how many autoencoders to train, 1 or more; {wanted!r} does not")
    return wanted


def _unseen_scores(parts: Parts, rows: Rows, options: TrainingOptions) -> Floats:
    """Scores of the parts ``(n, parts)``, those of the trees by others that did not see the row."""
    with torch.no_grad():
        seen = parts_of(*parts.scores(rows.window, rows.seen)).numpy().astype(np.float64)
    seen[:, 0] = out_of_fold(rows, options)
    return seen


def _fuse(seen: Floats, faults: NDArray[np.bool_]) -> tuple[Floats, Mapping[str, float]]:
    """Weights and an intercept, and what each mix reached."""
    found: list[tuple[float, Floats]] = []
    tried = {}
    for mix in _MIXES:
        fitted = LogisticRegression(C=_STIFFNESS).fit(seen[:, mix], faults)  # type: ignore[no-untyped-call]
        weights = np.zeros(len(PARTS) + 1)
        weights[list(mix)], weights[-1] = fitted.coef_[0], fitted.intercept_[0]
        reached = average_precision(faults, seen @ weights[:-1])
        tried[" + ".join(PARTS[part] for part in mix)] = reached
        if not found or (weights[:-1].min() >= 0 and reached > found[-1][0] + _CLEARLY):
            found.append((reached, weights))
    return found[-1][1], tried
