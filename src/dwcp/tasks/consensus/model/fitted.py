"""A fitted detector: what it says by the training libraries, and the one graph that says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import xgboost
from torch import Tensor, nn

from dwcp.features.spec import InputColumn
from dwcp.task import Arrays
from dwcp.tasks.consensus.contract import STEPS
from dwcp.tasks.consensus.inputs import OUTPUTS, SPEC
from dwcp.tasks.consensus.model.boosting import margins
from dwcp.tasks.consensus.model.features import Features, Seen
from dwcp.tasks.consensus.model.fusion import Fusion
from dwcp.tasks.consensus.model.networks import Networks
from dwcp.tasks.consensus.model.rows import seen_of, tensors
from dwcp.tasks.consensus.names import CHANNELS
from dwcp.training.export import export_module, finish, merge
from dwcp.training.trees import trees_to_onnx

__all__ = ["FittedConsensus", "Parts"]

_BATCH_ROWS = 512


@dataclass(frozen=True, slots=True)
class Parts:
    """What was fitted, before it is fused."""

    boosters: Sequence[xgboost.Booster]
    networks: Networks

    def scores(self, window: Tensor, seen: Seen) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Trees ``[rows, boosters]``, autoencoder and forecaster ``[rows, 1]``, deviations of the latest."""
        trees = torch.from_numpy(margins(self.boosters, seen.table.numpy()))
        asked = _Networks(self.networks).eval()
        batches = torch.split(torch.arange(len(window)), _BATCH_ROWS)
        with torch.no_grad():
            found = [asked(window[at], seen.off[at], seen.known[at]) for at in batches]
        errors, surprise = (torch.cat(one) for one in zip(*found, strict=True))
        return trees, errors, surprise, seen.latest


class _Networks(nn.Module):
    """Both networks as one part of the graph."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.ensemble, self.forecaster = networks.ensemble, networks.forecaster

    def forward(self, window: Tensor, off: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """A score a row of each."""
        return self.ensemble(window, off, known), self.forecaster(off, known)


class FittedConsensus:
    """The fitted detector.

    Args:
        parts: what was fitted.
        fusion: how its parts are weighed.
        summary: sizes, weights and figures for the report.
    """

    def __init__(self, parts: Parts, fusion: Fusion, summary: Mapping[str, object]) -> None:
        self._parts, self._fusion, self._summary = parts, fusion.eval(), summary

    def predict(self, arrays: Arrays) -> Arrays:
        """What the trained parts say, by torch and xgboost."""
        scores = self._parts.scores(tensors(arrays)[0], seen_of(arrays))
        with torch.no_grad():
            answers = self._fusion(*scores)
        return {column.name: answer.numpy() for column, answer in zip(OUTPUTS, answers, strict=True)}

    def to_onnx(self) -> bytes:
        """One graph: features, trees, networks, fusion."""
        width, boosters = len(CHANNELS), len(self._parts.boosters)
        shapes = {
            "off": (STEPS, width),
            "known": (STEPS, width),
            "latest": (width,),
            "trees": (boosters,),
            "errors": (1,),
            "surprise": (1,),
        }
        inner = {name: InputColumn(name, "float32", shape, "1", "") for name, shape in shapes.items()}
        parts = {
            "features": export_module(Features(), SPEC.columns, ["table", "off", "known", "latest"]),
            "boosting": trees_to_onnx(self._parts.boosters, "table", "trees"),
            "networks": export_module(
                _Networks(self._parts.networks),
                [SPEC.columns[0], inner["off"], inner["known"]],
                ["errors", "surprise"],
            ),
            "fusion": export_module(
                self._fusion,
                [inner[name] for name in ("trees", "errors", "surprise", "latest")],
                [column.name for column in OUTPUTS],
            ),
        }
        return finish(merge(parts, SPEC.columns, OUTPUTS))

    def summary(self) -> Mapping[str, object]:
        """Weights, threshold, what the parts reach on validation, and which features gave the trees most."""
        return self._summary
