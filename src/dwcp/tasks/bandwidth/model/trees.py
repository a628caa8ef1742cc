"""Gradient-boosted trees over the same features: the reference that a network must beat.

They are for comparison and are not exported: their features are logarithms, which split differently when
another runtime rounds their last bit otherwise.
"""

from collections.abc import Sequence

import numpy as np
import torch
import xgboost
from numpy.typing import NDArray

from dwcp.evaluation.policy import Case
from dwcp.task import Arrays, TrainingOptions
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome
from dwcp.tasks.bandwidth.model.features import Features
from dwcp.tasks.bandwidth.model.rows import Made, Rows, made_of, rows_of, tensors
from dwcp.tasks.bandwidth.series import MOST_MBPS

__all__ = ["BoostedTrees"]

BandwidthCase = Case[Context, Action, Outcome]

_LEVELS = (0.05, 0.5, 0.95)
_LEAST_SCALE = 0.05
_STEPS, _BINS = 10, 64
_PARAMETERS = {
    "objective": "reg:quantileerror",
    "quantile_alpha": _LEVELS,
    "max_depth": 6,
    "eta": 0.08,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "min_child_weight": 20,
    "tree_method": "hist",
    "max_bin": _BINS,
}


class BoostedTrees:
    """Quantile trees for next step and horizon; satisfies `dwcp.task.Graph` for throughput alone.

    Args:
        boosters: of next step and horizon, each with a target a quantile.
    """

    def __init__(self, boosters: Sequence[xgboost.Booster]) -> None:
        self._boosters = boosters
        self._features = Features().eval()

    @classmethod
    def fit(
        cls, train: Sequence[BandwidthCase], validation: Sequence[BandwidthCase], options: TrainingOptions
    ) -> "BoostedTrees":
        """As many rounds as ``options.epochs`` at most; ``validation`` says when to stop."""
        made = [made_of(Features().eval(), rows_of(cases)) for cases in (train, validation)]
        boosters = []
        for target in range(2):
            matrices: list[xgboost.QuantileDMatrix] = []
            for part in made:
                came, anchors = part.targets[:, target : target + 1], part.anchors
                log = torch.log((came + anchors.floor_mbps) / anchors.latest_mbps)
                wanted = (log / (anchors.scale + _LEAST_SCALE)).numpy()[:, 0]
                known = np.isfinite(wanted)
                inputs = _table(part)[known]
                matrices.append(
                    xgboost.QuantileDMatrix(
                        inputs, wanted[known], max_bin=_BINS, ref=next(iter(matrices), None)
                    )
                )
            parameters = {**_PARAMETERS, "seed": options.seed, "nthread": options.threads}
            boosters.append(
                xgboost.train(
                    parameters,
                    matrices[0],
                    options.epochs,
                    evals=[(matrices[1], "validation")],
                    early_stopping_rounds=_STEPS,
                    verbose_eval=False,
                )
            )
        return cls([booster[: booster.best_iteration + 1] for booster in boosters])

    def to_bytes(self) -> tuple[bytes, ...]:
        """The boosters, to be opened by ``xgboost.Booster(model_file=...)``."""
        return tuple(bytes(booster.save_raw("ubj")) for booster in self._boosters)

    def run(self, arrays: Arrays) -> Arrays:
        """Throughputs; every other output is 0."""
        raw = tensors(arrays)
        made = made_of(self._features, Rows(raw, torch.zeros(len(raw[0]), 0)))
        inputs, anchors = _table(made), made.anchors
        told = np.stack([booster.inplace_predict(inputs) for booster in self._boosters], axis=1)
        told = np.sort(told.reshape(len(inputs), 2, len(_LEVELS)), axis=2)
        logs = told * (anchors.scale.numpy()[:, :, None] + _LEAST_SCALE)
        latest, floor = anchors.latest_mbps.numpy()[:, :, None], anchors.floor_mbps.numpy()[:, :, None]
        mbps = np.clip(latest * np.exp(np.clip(logs, -7.0, 7.0)) - floor, 0.0, MOST_MBPS)
        nothing = np.zeros(len(mbps), np.float32)
        others = dict.fromkeys(("within_20", "rtt_ms", "jitter_ms", "packet_loss"), nothing)
        return {"throughput_mbps": mbps.astype(np.float32), **others}


def _table(made: Made) -> NDArray[np.float32]:
    """Figures of every window, and the channels of its latest step."""
    return np.asarray(torch.cat([made.figures, made.channels[:, :, -1]], dim=1).numpy())
