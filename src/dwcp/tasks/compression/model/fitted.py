"""A fitted selector: what it says by the training libraries, and the one graph that says the same."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dwcp.features.spec import InputColumn
from dwcp.task import Arrays
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES, OUTPUTS, SPEC
from dwcp.tasks.compression.model.base import DELTA, DELTA_COMPONENTS, PLAIN_COMPONENTS, Base
from dwcp.tasks.compression.model.network import DEPTHS, TARGETS, Decide, FlowPrior, Mix, feature_names
from dwcp.training.export import export_module, finish, merge
from dwcp.training.trees import trees_to_onnx

__all__ = ["FittedCompression"]

Floats = NDArray[np.float64]


class FittedCompression:
    """A fitted selector; `with_weights` gives its variants."""

    def __init__(
        self,
        base: Base,
        tree_weight: float,
        network_weight: float,
        prior: FlowPrior,
        deviation: Floats,
        tried: Mapping[str, float],
    ) -> None:
        self._base, self._prior, self._deviation, self._tried = base, prior, deviation, tried
        self.tree_weight, self.network_weight = tree_weight, network_weight
        self._mix = Mix(base.stem, base.network, tree_weight, network_weight).eval()
        self._decide = Decide(prior, deviation).eval()

    def with_weights(self, tree_weight: float, network_weight: float) -> "FittedCompression":
        """The same parts with other shares: trees alone, the network alone, the stem alone."""
        return FittedCompression(
            self._base, tree_weight, network_weight, self._prior, self._deviation, self._tried
        )

    def predict(self, arrays: Arrays) -> Arrays:
        """What the trained parts say, by torch and xgboost."""
        given = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
        with torch.no_grad():
            raw, features, depth, slower = self._base.features(given["facts"], given["speed_ms_per_mib"])
            trees = torch.from_numpy(self._base.trees(raw.numpy()).astype(np.float32))
            predicted = self._mix(features, depth, trees, slower)
            action, cost_s, confidence = self._decide(
                predicted, depth, *(given[name] for name in _DECIDE_INPUTS)
            )
        answers = {"action": action, "cost_s": cost_s, "confidence": confidence, "predicted": predicted}
        return {column.name: answers[column.name].numpy() for column in OUTPUTS}

    def to_onnx(self) -> bytes:
        """One graph: features, trees, network, flow correction, costs and decision."""
        columns = {column.name: column for column in SPEC.columns}
        width = len(feature_names())
        inner = {
            "features": InputColumn("features", "float32", (width,), "1", ""),
            "depth": InputColumn("depth", "float32", (DEPTHS,), "1", ""),
            "slower": InputColumn("slower", "float32", (len(CANDIDATES),), "1", ""),
            "trees": InputColumn("trees", "float32", (TARGETS,), "1", ""),
            "predicted": InputColumn("predicted", "float32", (len(MEASURES), len(CANDIDATES)), "1", ""),
        }
        parts = {
            "features": export_module(
                self._base.features,
                [columns["facts"], columns["speed_ms_per_mib"]],
                ["raw", "features", "depth", "slower"],
            ),
            "plain_trees": trees_to_onnx([self._base.plain_trees.booster], "raw", "plain_trees"),
            "delta_trees": trees_to_onnx([self._base.delta_trees.booster], "raw", "delta_trees"),
            "expand": export_module(
                _Expand(self._base.plain_trees.components, self._base.delta_trees.components),
                [
                    InputColumn("plain_trees", "float32", (PLAIN_COMPONENTS,), "1", ""),
                    InputColumn("delta_trees", "float32", (DELTA_COMPONENTS,), "1", ""),
                ],
                ["trees"],
            ),
            "mix": export_module(
                self._mix, [inner[n] for n in ("features", "depth", "trees", "slower")], ["predicted"]
            ),
            "decide": export_module(
                self._decide,
                [inner["predicted"], inner["depth"], *(columns[name] for name in _DECIDE_INPUTS)],
                ["action", "cost_s", "confidence"],
            ),
        }
        return finish(merge(parts, SPEC.columns, OUTPUTS))

    def summary(self) -> Mapping[str, object]:
        """Shares chosen and what each pair reached on the validation folds."""
        return {
            "tree_weight": self.tree_weight,
            "network_weight": self.network_weight,
            "validation_regret": dict(self._tried),
        }


_DECIDE_INPUTS = (
    "facts",
    "bandwidth_mbps",
    "workers",
    "cost_model",
    "cpu_price",
    "allowed",
    "seen_count",
    "seen_residual",
)


class _Expand(nn.Module):
    """Trees' components back to targets, in candidate order."""

    plain: torch.Tensor
    delta: torch.Tensor

    def __init__(self, plain: NDArray[np.float32], delta: NDArray[np.float32]) -> None:
        super().__init__()
        for name, components, places in (("plain", plain, ~DELTA), ("delta", delta, DELTA)):
            spread = np.zeros((len(components), TARGETS), np.float32)
            spread[:, places] = components
            self.register_buffer(name, torch.from_numpy(spread))

    def forward(self, plain: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        return plain @ self.plain + delta @ self.delta
