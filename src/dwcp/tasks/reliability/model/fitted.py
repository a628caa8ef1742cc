"""A fitted detector: what it says by the training libraries, and the one graph that says the same."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import xgboost
from sklearn.ensemble import IsolationForest

from dwcp.features.spec import InputColumn
from dwcp.task import Arrays
from dwcp.tasks.reliability.inputs import OUTPUTS, SPEC
from dwcp.tasks.reliability.model.boosting import margins
from dwcp.tasks.reliability.model.features import Features
from dwcp.tasks.reliability.model.forest import forest_to_onnx
from dwcp.tasks.reliability.model.network import Network
from dwcp.tasks.reliability.model.parts import Fusion, Select
from dwcp.tasks.reliability.names import FEATURES
from dwcp.training.export import export_module, finish, merge
from dwcp.training.trees import trees_to_onnx

__all__ = ["FittedReliability", "Parts"]

_BATCH_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Parts:
    """What was fitted, before it is weighed."""

    select: Select
    booster: xgboost.Booster
    forest: IsolationForest
    network: Network

    def __call__(self, arrays: Arrays) -> tuple[torch.Tensor, ...]:
        """Trees, network and path length, each ``[rows, 1]``, and deviations ``[rows, features]``."""
        features = Features()
        found = []
        with torch.no_grad():
            for begin in range(0, len(arrays["window"]), _BATCH_ROWS):
                window, peers = (
                    torch.from_numpy(np.ascontiguousarray(arrays[name][begin : begin + _BATCH_ROWS]))
                    for name in ("window", "peers")
                )
                chosen, squashed, deviation = self.select(features(window, peers))
                path = -np.log2(-self.forest.score_samples(squashed.numpy()))  # type: ignore[no-untyped-call]
                columns = (margins(self.booster, chosen.numpy()), path)
                trees, length = (torch.from_numpy(one.astype(np.float32))[:, None] for one in columns)
                found.append((trees, self.network(window, peers), length, deviation))
        return tuple(torch.cat(part) for part in zip(*found, strict=True))


class FittedReliability:
    """The fitted detector.

    Args:
        parts: what was fitted.
        fusion: how its parts are weighed.
        summary: sizes, weights and figures for the report.
    """

    def __init__(self, parts: Parts, fusion: Fusion, summary: Mapping[str, object]) -> None:
        self._parts, self._fusion, self._summary = parts, fusion.eval(), summary

    def predict(self, arrays: Arrays) -> Arrays:
        """What the trained parts say, by torch, xgboost and scikit-learn."""
        trees, odds, path, deviation = self._parts(arrays)
        with torch.no_grad():
            margin, threshold, novelty = self._fusion(trees, odds, path)
        answers = (margin, threshold, novelty, deviation)
        return {column.name: answer.numpy() for column, answer in zip(OUTPUTS, answers, strict=True)}

    def to_onnx(self) -> bytes:
        """One graph: features, selection, trees, forest, network, fusion."""
        width = len(self._parts.select.chosen)
        inner = {
            name: InputColumn(name, "float32", (columns,), "1", "")
            for name, columns in (("features", len(FEATURES)), ("trees", 1), ("odds", 1), ("path", 1))
        }
        parts = {
            "features": export_module(Features(), SPEC.columns, ["features"]),
            "select": export_module(
                self._parts.select, [inner["features"]], ["chosen", "squashed", "deviation"]
            ),
            "boosting": trees_to_onnx([self._parts.booster], "chosen", "trees"),
            "forest": forest_to_onnx(self._parts.forest, width, "squashed", "path"),
            "network": export_module(self._parts.network, SPEC.columns, ["odds"]),
            "fusion": export_module(
                self._fusion,
                [inner[name] for name in ("trees", "odds", "path")],
                ["margin", "threshold", "novelty"],
            ),
        }
        return finish(merge(parts, SPEC.columns, OUTPUTS))

    def summary(self) -> Mapping[str, object]:
        """Features chosen, weights, threshold, and what the parts reach on validation."""
        return self._summary
