"""An exported graph as it will be served: onnxruntime, one thread."""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from dwcp.errors import TrainingError
from dwcp.features.spec import InputColumn
from dwcp.task import Arrays, OutputColumn

__all__ = ["ExportedGraph"]

_ORT_ERRORS = (
    ort.Fail,
    ort.InvalidArgument,
    ort.InvalidGraph,
    ort.InvalidProtobuf,
    ort.NotImplemented,
    ort.RuntimeException,
)
_ERRORS_ONLY = 3
_ELEMENTS = {"tensor(float)": "float32", "tensor(int64)": "int64"}


class ExportedGraph:
    """Runs the bytes that will be published; satisfies `dwcp.task.Graph`.

    Args:
        content: the ONNX graph, serialised.

    Raises:
        TrainingError: onnxruntime cannot load it.
    """

    def __init__(self, content: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except _ORT_ERRORS as error:
            raise TrainingError(f"the exported graph cannot be loaded: {_first_line(error)}") from error
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs, both with the batch dimension first.

        Raises:
            TrainingError: a name, a shape or an element type does not fit the graph.
        """
        try:
            answers = self._session.run(self._outputs, dict(arrays))
        except (ValueError, *_ORT_ERRORS) as error:
            raise TrainingError(f"the exported graph cannot be run: {_first_line(error)}") from error
        return {name: np.asarray(answer) for name, answer in zip(self._outputs, answers, strict=True)}

    def require(self, inputs: Sequence[InputColumn], outputs: Sequence[OutputColumn]) -> None:
        """Hold the graph's inputs and outputs against those a task declares: names, order, types, shapes.

        Raises:
            TrainingError: they differ; the message shows both.
        """
        for side, declared, found in (
            ("inputs", inputs, self._session.get_inputs()),
            ("outputs", outputs, self._session.get_outputs()),
        ):
            wanted = [(column.name, column.dtype, list(column.shape)) for column in declared]
            given = [(entry.name, _ELEMENTS.get(entry.type, entry.type), entry.shape[1:]) for entry in found]
            if wanted != given:
                raise TrainingError(f"the exported graph has {side} {given}, the task declares {wanted}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
