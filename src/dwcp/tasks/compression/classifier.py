"""The direct classifier: names the best candidate without predicting costs. For comparison only."""

from collections.abc import Sequence
from random import Random

import numpy as np
import xgboost
from numpy.typing import NDArray

from dwcp.evaluation.naive import ConstantPolicy
from dwcp.evaluation.oracle import alternative_costs
from dwcp.evaluation.policy import Case, Decision
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, Outcome
from dwcp.tasks.compression.inputs import arrays
from dwcp.tasks.compression.oracle import cost_s

__all__ = ["ClassifierPolicy", "fit_classifier"]

_ROUNDS, _DEPTH = 40, 6


class ClassifierPolicy(ConstantPolicy[Action]):
    """The most probable admissible class.

    Args:
        booster: class probabilities over `CANDIDATES`.
    """

    def __init__(self, booster: xgboost.Booster) -> None:
        super().__init__(CANDIDATES[0], "classifier")
        self._booster = booster

    def decide(self, context: Context, now: float, rng: Random) -> Decision[Action]:  # noqa: ARG002
        """Ask for the classes of one context."""
        odds = self._booster.inplace_predict(_inputs([context]))[0]
        allowed = np.array([context.admissible(action) for action in CANDIDATES])
        best = int(np.where(allowed, odds, -1.0).argmax())
        return Decision(CANDIDATES[best], float(odds[best]))


def fit_classifier(
    judged: Sequence[Case[Context, Action, Outcome]], seed: int, threads: int = 1
) -> ClassifierPolicy:
    """Boosted trees on the oracle's choices over judged training cases."""
    best = [next(iter(alternative_costs(c.context, c.outcomes, cost_s))) for c in judged]
    labels = np.array([CANDIDATES.index(action) for action in best])
    parameters = {
        "objective": "multi:softprob",
        "num_class": len(CANDIDATES),
        "tree_method": "hist",
        "max_depth": _DEPTH,
        "max_bin": 64,
        "eta": 0.2,
        "seed": seed,
        "nthread": threads,
    }
    data = xgboost.DMatrix(_inputs([case.context for case in judged]), label=labels)
    return ClassifierPolicy(xgboost.train(parameters, data, num_boost_round=_ROUNDS))


def _inputs(contexts: Sequence[Context]) -> NDArray[np.float32]:
    fed = arrays(contexts)
    scalars = [fed[name].astype(np.float32)[:, None] for name in ("bandwidth_mbps", "cost_model")]
    return np.concatenate([fed["facts"].astype(np.float32), *scalars], axis=1)
