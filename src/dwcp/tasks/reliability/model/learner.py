"""The learner: trees on the features that matter, a network, a forest of what is usual; then fusion."""

from collections.abc import Mapping, Sequence

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
from dwcp.tasks.reliability.model.boosting import boost, select
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

Floats = NDArray[np.float64]
_Rows = tuple[Arrays, NDArray[np.bool_], NDArray[np.bool_]]


class ReliabilityLearner:
    """Fits the detector."""

    def fit(
        self,
        train: Sequence[ReliabilityCase],
        validation: Sequence[ReliabilityCase],
        options: TrainingOptions,
        progress: Progress,
    ) -> FittedReliability:
        """Parts on ``train``; which of them count, their weights and the threshold on ``validation``.

        Recoveries and what nobody labelled are left out.

        Raises:
            TrainingError: a part of the rows has no fault in it, or nothing else.
        """
        torch.set_num_threads(options.threads)
        given, held = _rows(train, "training"), _rows(validation, "validation")
        parts = _fit_parts(given, held, options, progress)
        progress(0.9, "weighing the parts")
        trees, odds, path, _ = parts(held[0])
        seen = np.concatenate([part.numpy() for part in (trees, odds, torch.exp2(-path))], axis=1)
        weights, tried = _weigh(seen.astype(np.float64), held[1])
        margin = seen @ weights[:-1] + weights[-1]
        threshold = conformal_threshold(margin[held[2]], TARGET_FPR)
        chosen = parts.select.chosen.numpy()
        summary = {
            "features": [FEATURES[place] for place in chosen],
            "weights": dict(zip((*_PARTS, "intercept"), weights.tolist(), strict=True)),
            "threshold": threshold,
            "validation_pr_auc": tried,
        }
        return FittedReliability(parts, Fusion(weights, threshold), summary)


def _rows(cases: Sequence[ReliabilityCase], what: str) -> _Rows:
    """Arrays, which rows are faults, and which are quiet."""
    kinds = np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)
    known = np.isin(kinds, ("quiet", "benign", "fault"))
    used = [case.context for case, keep in zip(cases, known, strict=True) if keep]
    faults, quiet = kinds[known] == "fault", kinds[known] == "quiet"
    if not faults.any() or not quiet.any():
        raise TrainingError(
            f"the {what} rows need labelled faults and quiet ones; {int(faults.sum())} of {len(faults)} "
            "are faults: label more, or record more nodes"
        )
    return arrays(used), faults, quiet


def _fit_parts(given: _Rows, held: _Rows, options: TrainingOptions, progress: Progress) -> Parts:
    windows, faults, quiet = given
    tensors = tuple(torch.from_numpy(windows[name]) for name in ("window", "peers"))
    held_tensors = tuple(torch.from_numpy(held[0][name]) for name in ("window", "peers"))
    with torch.no_grad():
        features = Features()(*tensors).numpy()
    progress(0.1, "choosing features")
    chosen, share = select(boost(features, faults, options), len(FEATURES), SELECTED)
    centre, spread = robust_scale(features[quiet][:, chosen])
    kept = Select(chosen, centre, spread, np.sqrt(share)).eval()
    progress(0.2, "trees")
    booster = boost(features[:, chosen], faults, options)
    progress(0.3, "forest")
    with torch.no_grad():
        squashed = kept(torch.from_numpy(features[quiet]))[1].numpy()
    forest = fit_forest(squashed, options.seed)
    network = train_network(
        (tensors[0], tensors[1]),
        faults,
        (held_tensors[0], held_tensors[1]),
        held[1],
        options,
        lambda done, words: progress(0.3 + 0.6 * done, words),
    )
    return Parts(kept, booster, forest, network)


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
