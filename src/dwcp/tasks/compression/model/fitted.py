"""A fitted selector: what it says by the training libraries, and the one graph that says the same."""

from collections.abc import Mapping

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from dwcp.features.spec import InputColumn
from dwcp.task import Arrays
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES, OUTPUTS, SPEC
from dwcp.tasks.compression.model.base import DELTA, DELTA_COMPONENTS, PLAIN_COMPONENTS, Base
from dwcp.tasks.compression.model.decision import TARGETS, Decide, FlowPrior
from dwcp.tasks.compression.model.features import DEPTHS, feature_names
from dwcp.tasks.compression.model.network import Mix
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
            predicted = self._mix(features, depth, slower, trees)
            action, cost_s, confidence = self._decide(
                predicted, depth, *(given[name] for name in _DECIDE_INPUTS)
            )
        answers = {"action": action, "cost_s": cost_s, "confidence": confidence, "predicted": predicted}
        return {column.name: answers[column.name].numpy() for column in OUTPUTS}

    def to_onnx(self) -> bytes:
        """One graph: features, trees, network, flow correction, costs and decision.

        Trees or a network without weight are left out: they would be asked for nothing.
        """
        columns = {column.name: column for column in SPEC.columns}
        width = len(feature_names())
        inner = {
            "features": InputColumn("features", "float32", (width,), "1", ""),
            "depth": InputColumn("depth", "float32", (DEPTHS,), "1", ""),
            "slower": InputColumn("slower", "float32", (len(CANDIDATES),), "1", ""),
            "trees": InputColumn("trees", "float32", (TARGETS,), "1", ""),
            "predicted": InputColumn("predicted", "float32", (len(MEASURES), len(CANDIDATES)), "1", ""),
        }
        trees = self._trees_to_onnx() if self.tree_weight != 0 else {}
        named = ["trees"] if trees else []
        parts = {
            "features": export_module(
                self._base.features,
                [columns["facts"], columns["speed_ms_per_mib"]],
                ["raw", "features", "depth", "slower"],
            ),
            **trees,
            "mix": export_module(
                self._mix, [inner[n] for n in ("features", "depth", "slower", *named)], ["predicted"]
            ),
            "decide": export_module(
                self._decide,
                [inner["predicted"], inner["depth"], *(columns[name] for name in _DECIDE_INPUTS)],
                ["action", "cost_s", "confidence"],
            ),
        }
        return finish(merge(parts, SPEC.columns, OUTPUTS))

    def _trees_to_onnx(self) -> Mapping[str, onnx.ModelProto]:
        """The trees, and what brings their components back to targets."""
        plain, delta = self._base.plain_trees, self._base.delta_trees
        components = InputColumn("components", "float32", (PLAIN_COMPONENTS + DELTA_COMPONENTS,), "1", "")
        return {
            "boosted": trees_to_onnx([plain.booster, delta.booster], "raw", components.name),
            "expand": export_module(_Expand(plain.components, delta.components), [components], ["trees"]),
        }

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

    spread: torch.Tensor

    def __init__(self, plain: NDArray[np.float32], delta: NDArray[np.float32]) -> None:
        super().__init__()
        spread = np.zeros((len(plain) + len(delta), TARGETS), np.float32)
        spread[: len(plain), ~DELTA], spread[len(plain) :, DELTA] = plain, delta
        self.register_buffer("spread", torch.from_numpy(spread))

    def forward(self, components: torch.Tensor) -> torch.Tensor:
        return components @ self.spread
