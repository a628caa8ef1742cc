"""onnxruntime behind the `Graph` protocol: one thread, errors translated, every run stoppable."""

from typing import Any

from dwcp.errors import ArtifactRefusedError, ExtraMissingError, GraphError
from dwcp.serving.graph import GraphStoppedError
from dwcp.task import Arrays

__all__ = ["OnnxGraph"]

_ONLY_FATAL = 4
"""onnxruntime's severity at which it no longer writes to standard error: its errors are raised anyway."""


class OnnxGraph:
    """A model, loaded once and asked from any number of threads.

    Args:
        model: the content of the ONNX file, complete in itself: tensors in other files are refused,
            because no digest covers them.

    Raises:
        ExtraMissingError: onnxruntime is not installed.
        ArtifactRefusedError: this is no graph that onnxruntime can run.
    """

    def __init__(self, model: bytes) -> None:
        onnxruntime, failures = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ONLY_FATAL
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except failures as error:
            raise ArtifactRefusedError(f"onnxruntime cannot open the model: {error}") from error
        self._failures = failures
        self._new_options = onnxruntime.RunOptions
        self._output_names = [output.name for output in self._session.get_outputs()]

    def prepare(self) -> "OnnxCall":
        """A run that has not begun."""
        options = self._new_options()
        options.log_severity_level = _ONLY_FATAL
        return OnnxCall(self._session, self._output_names, options, self._failures)

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs, both with the batch dimension first.

        Raises:
            GraphError: the graph cannot be run on these inputs.
        """
        return self.prepare().run(arrays)


class OnnxCall:
    """One run. `stop` takes effect between two nodes of the graph."""

    __slots__ = ("_failures", "_options", "_output_names", "_session")

    def __init__(
        self, session: Any, output_names: list[str], options: Any, failures: tuple[type[Exception], ...]
    ) -> None:
        self._session = session
        self._output_names = output_names
        self._options = options
        self._failures = failures

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs; see `dwcp.serving.graph.GraphCall.run`."""
        try:
            answers = self._session.run(self._output_names, dict(arrays), self._options)
        except self._failures as error:
            if self._options.terminate:
                raise GraphStoppedError("the run was stopped") from error
            raise GraphError(f"onnxruntime cannot run the graph: {error}") from error
        return dict(zip(self._output_names, answers, strict=True))

    def stop(self) -> None:
        """Make `run` return soon."""
        self._options.terminate = True


def _onnxruntime() -> tuple[Any, tuple[type[Exception], ...]]:
    """The library and the exceptions it raises: its own, which share no base, and two of Python's."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as native
    except ImportError as error:
        raise ExtraMissingError("onnxruntime is not installed: pip install onnxruntime") from error
    own = [kind for kind in vars(native).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return onnxruntime, (*own, ValueError, RuntimeError)
