"""Graphs that can be stopped: what the advisor needs of a graph to keep its deadline."""

from typing import Protocol

from dwcp.errors import GraphError
from dwcp.task import Arrays, Graph

__all__ = ["GraphCall", "GraphStoppedError", "StoppableGraph"]


class GraphStoppedError(GraphError):
    """A run of a graph was stopped before it had an answer."""


class GraphCall(Protocol):
    """One run of a graph, which another thread may stop."""

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs, both with the batch dimension first.

        Raises:
            GraphStoppedError: `stop` was called in the meantime.
            GraphError: the graph cannot be run on these inputs.
        """
        ...

    def stop(self) -> None:
        """Make `run` return soon. Quick, from any thread, never raises, no effect on a run that is over."""
        ...


class StoppableGraph(Graph, Protocol):
    """A graph whose runs can be stopped."""

    def prepare(self) -> GraphCall:
        """A run that has not begun."""
        ...
