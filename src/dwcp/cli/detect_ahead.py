"""A graph that is asked many questions at once and then answers them one by one."""

from dwcp.serving.graph import GraphCall, StoppableGraph
from dwcp.task import Arrays

__all__ = ["GraphAhead"]


class GraphAhead:
    """Keeps the answers to a batch for the runs of a single row that follow it.

    A row is known again by its inputs, bit for bit, so no run is answered with what another was asked. What
    guards the graph still guards every row: its inputs, its answer, the deadline, the breaker.

    A row of a batch may differ from the same row run alone by rounding: which way a matrix is multiplied
    depends on its size.

    Args:
        graph: the graph itself.
    """

    def __init__(self, graph: StoppableGraph) -> None:
        self._graph = graph
        self._kept: dict[bytes, Arrays] = {}

    def run_ahead(self, arrays: Arrays) -> None:
        """Ask about many decisions; the answers stay until the next call.

        Raises:
            GraphError: the graph cannot be run; nothing is kept.
        """
        self._kept = {}
        answers = self._graph.run(arrays)
        rows = len(next(iter(arrays.values())))
        self._kept = {_key(_row(arrays, row)): _row(answers, row) for row in range(rows)}

    def run(self, arrays: Arrays) -> Arrays:
        """What stands ready, else what the graph says; see `dwcp.task.Graph.run`."""
        return self.prepare().run(arrays)

    def prepare(self) -> GraphCall:
        """A run that has not begun."""
        return _Call(self._graph.prepare(), self._kept)


class _Call:
    """One run."""

    __slots__ = ("_call", "_kept")

    def __init__(self, call: GraphCall, kept: dict[bytes, Arrays]) -> None:
        self._call = call
        self._kept = kept

    def run(self, arrays: Arrays) -> Arrays:
        known = self._kept.get(_key(arrays)) if self._kept else None
        return self._call.run(arrays) if known is None else known

    def stop(self) -> None:
        self._call.stop()


def _row(arrays: Arrays, row: int) -> Arrays:
    return {name: array[row : row + 1] for name, array in arrays.items()}


def _key(arrays: Arrays) -> bytes:
    return b"".join([array.tobytes() for array in arrays.values()])
