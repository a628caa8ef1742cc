"""The learner: trees on the features that matter, a network, a forest of what is usual; then fusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dwcp.errors import TrainingError
from dwcp.evaluation.classification import average_precision
from dwcp.task import Arrays, Progress, TrainingOptions
from dwcp.tasks.reliability.calibration import TARGET_FPR, conformal_threshold
from dwcp.tasks.reliability.contract import FINE
from dwcp.tasks.reliability.inputs import arrays
from dwcp.tasks.reliability.model.boosting import boost, choose, gain_shares, unseen_margins
from dwcp.tasks.reliability.model.features import Features
from dwcp.tasks.reliability.model.fitted import FittedReliability, Parts
from dwcp.tasks.reliability.model.forest import fit_forest
from dwcp.tasks.reliability.model.network import train_network
from dwcp.tasks.reliability.model.parts import Fusion, Select, robust_scale
from dwcp.tasks.reliability.names import FEATURES
from dwcp.tasks.reliability.series import ReliabilityCase

__all__ = ["SELECTED", "ReliabilityLearner"]

SELECTED = 40
"""How many features are kept."""

_CLEARLY = 0.005
_PARTS = ("trees", "network", "forest")
_MIXES = ((0,), (0, 1), (0, 2), (0, 1, 2), (1,))
"""Which parts are weighed together; the simplest first, another only if it is clearly better."""

_FOLDS, _WHOLE_GROUPS = 4, 8

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Arrays, which rows are faults, which are quiet, whose they are and when they were."""

    windows: Arrays
    faults: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    groups: NDArray[np.str_]
    times_s: Floats


class ReliabilityLearner:
    """Fits the detector."""

    def fit(
        self,
        train: Sequence[ReliabilityCase],
        validation: Sequence[ReliabilityCase],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedReliability:
        """Parts, their weights and the threshold.

        The network learns ``train`` and stops by ``validation``, whose rows weigh the parts. Trees are taught
        both; so that nothing is weighed on rows that they know, their scores are those of trees fitted
        without each part in turn. All quiet rows give the threshold where the trees alone count, else those
        of ``validation``. Recoveries and what nobody labelled are left out.

        Raises:
            TrainingError: a part of the rows has no fault in it, or nothing else.
        """
        torch.set_num_threads(options.threads)
        given, held = _rows(train, "training"), _rows(validation, "validation")
        rows = _joined(given, held)
        parts, features = _fit_parts(rows, given, held, options, progress)
        progress(0.8, "weighing the parts")
        trees, odds, path, _ = parts(rows.windows)
        seen = np.concatenate([part.numpy() for part in (trees, odds, torch.exp2(-path))], axis=1)
        seen = seen.astype(np.float64)
        seen[:, 0] = unseen_margins(
            features, rows.faults, _folds(rows.groups, rows.times_s), SELECTED, options
        )
        is_held = np.arange(len(seen)) >= len(given.faults)
        weights, tried = _weigh(seen[is_held], rows.faults[is_held])
        calm = rows.quiet & (is_held | (not weights[1:-1].any()))
        margin = seen @ weights[:-1] + weights[-1]
        threshold = conformal_threshold(margin[calm], TARGET_FPR)
        chosen = parts.select.chosen.numpy()
        summary = {
            "features": [FEATURES[place] for place in chosen],
            "weights": dict(zip((*_PARTS, "intercept"), weights.tolist(), strict=True)),
            "threshold": threshold,
            "validation_pr_auc": tried,
        }
        return FittedReliability(parts, Fusion(weights, threshold), summary)


def _rows(cases: Sequence[ReliabilityCase], what: str) -> _Rows:
    kinds = np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)
    known = np.isin(kinds, ("quiet", "benign", "fault"))
    used = [case for case, keep in zip(cases, known, strict=True) if keep]
    faults, quiet = kinds[known] == "fault", kinds[known] == "quiet"
    if not faults.any() or not quiet.any():
        raise TrainingError(
            f"the {what} rows need labelled faults and quiet ones; {int(faults.sum())} of {len(faults)} "
            "are faults: label more, or record more nodes"
        )
    return _Rows(
        arrays([case.context for case in used]),
        faults,
        quiet,
        np.array([case.group for case in used], dtype=np.str_),
        np.array([case.time_s for case in used]),
    )


def _joined(given: _Rows, held: _Rows) -> _Rows:
    both = (given, held)
    return _Rows(
        {name: np.concatenate([one.windows[name] for one in both]) for name in ("window", "peers")},
        np.concatenate([one.faults for one in both]),
        np.concatenate([one.quiet for one in both]),
        np.concatenate([one.groups for one in both]),
        np.concatenate([one.times_s for one in both]),
    )


def _folds(groups: NDArray[np.str_], times_s: Floats) -> NDArray[np.int64]:
    """Whole groups where there are many, else quarters of each group's time."""
    names, number = np.unique(groups, return_inverse=True)
    if len(names) >= _WHOLE_GROUPS:
        return np.asarray(number % _FOLDS)
    fold = np.zeros(len(number), np.int64)
    for group in range(len(names)):
        own = number == group
        place = np.searchsorted(np.unique(times_s[own]), times_s[own])
        fold[own] = place * _FOLDS // (place.max() + 1)
    return fold


def _fit_parts(
    rows: _Rows, given: _Rows, held: _Rows, options: TrainingOptions, progress: Progress
) -> tuple[Parts, NDArray[np.float32]]:
    """The parts, and the features of all rows."""
    with torch.no_grad():
        features = Features()(*_tensors(rows)).numpy()
    progress(0.1, "choosing features")
    chosen = choose(features, rows.faults, SELECTED, options)
    progress(0.2, "trees")
    booster = boost(features[:, chosen], rows.faults, options)
    centre, spread = robust_scale(features[rows.quiet][:, chosen])
    kept = Select(chosen, centre, spread, np.sqrt(gain_shares(booster, len(chosen)))).eval()
    progress(0.3, "forest")
    own = features[: len(given.faults)][given.quiet]
    with torch.no_grad():
        squashed = kept(torch.from_numpy(own))[1].numpy()
    forest = fit_forest(squashed, options.seed)
    network = train_network(
        _tensors(given),
        given.faults,
        _tensors(held),
        held.faults,
        options,
        lambda done, words: progress(0.3 + 0.5 * done, words),
    )
    return Parts(kept, booster, forest, network), features


def _tensors(rows: _Rows) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(rows.windows["window"]), torch.from_numpy(rows.windows["peers"])


def _weigh(seen: Floats, faults: NDArray[np.bool_]) -> tuple[Floats, Mapping[str, float]]:
    """Weights of the parts and an intercept: a logistic regression on the mix that ranks best."""
    found: list[tuple[float, Floats]] = []
    tried = {}
    for mix in _MIXES:
        fitted = LogisticRegression(C=10.0)  # type: ignore[no-untyped-call]
        fitted.fit(seen[:, mix], faults)
        if fitted.coef_.min() < 0 and found:
            continue  # a part that counts the wrong way round only fits the chances of these rows
        weights = np.zeros(len(_PARTS) + 1)
        weights[list(mix)], weights[-1] = fitted.coef_[0], fitted.intercept_[0]
        reached = average_precision(faults, seen @ weights[:-1])
        tried[" + ".join(_PARTS[part] for part in mix)] = reached
        if not found or reached > found[-1][0] + _CLEARLY:
            found.append((reached, weights))
    return found[-1][1], tried
