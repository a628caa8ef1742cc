"""The trained network, before export."""

from collections.abc import Mapping

import torch

from dwcp.task import Arrays
from dwcp.tasks.bandwidth.inputs import OUTPUTS, SPEC
from dwcp.tasks.bandwidth.model.network import Forecast, Network
from dwcp.tasks.bandwidth.model.rows import tensors
from dwcp.training.export import export_module, finish, merge

__all__ = ["FittedForecast"]


class FittedForecast:
    """A trained network.

    Args:
        forecast: what was fitted.
        summary: sizes and losses.
    """

    def __init__(self, forecast: Forecast, summary: Mapping[str, object]) -> None:
        self._network = Network(forecast).eval()
        self._summary = summary

    def predict(self, arrays: Arrays) -> Arrays:
        """What torch says."""
        with torch.no_grad():
            answers = self._network(*tensors(arrays))
        return {column.name: answer.numpy() for column, answer in zip(OUTPUTS, answers, strict=True)}

    def to_onnx(self) -> bytes:
        """The one graph: features, network, forecasts."""
        part = export_module(self._network, SPEC.columns, [column.name for column in OUTPUTS])
        return finish(merge({"forecast": part}, SPEC.columns, OUTPUTS))

    def summary(self) -> Mapping[str, object]:
        """Sizes and losses."""
        return self._summary
