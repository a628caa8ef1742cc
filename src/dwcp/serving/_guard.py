"""The graph a learned policy is given in service: checked on both sides, and held to a deadline."""

import math
import threading
from collections.abc import Callable

from dwcp.serving._checks import DeclinedError, InputCheck, OutputCheck
from dwcp.serving._deadline import Watchdog
from dwcp.serving.graph import GraphStoppedError, StoppableGraph
from dwcp.serving.hint import Reason
from dwcp.task import Arrays, Task

__all__ = ["GuardedGraph"]


class GuardedGraph:
    """A `dwcp.task.Graph` that declines rather than answer nonsense or late.

    Args:
        graph: the graph itself.
        task: declares the inputs and outputs.
        watchdog: stops runs that are late.
        clock: seconds that only go forward; what deadlines are measured on.
        fastest_s: the shortest run seen: with less time left than that, a run is not begun.
    """

    def __init__(
        self,
        graph: StoppableGraph,
        task: Task,
        watchdog: Watchdog,
        clock: Callable[[], float],
        fastest_s: float,
    ) -> None:
        self._graph = graph
        self._check_inputs = InputCheck(task.input_spec)
        self._check_outputs = OutputCheck(task.outputs)
        self._watchdog = watchdog
        self._clock = clock
        self._fastest_s = fastest_s
        self._thread = threading.local()

    def set_deadline(self, expires_s: float) -> None:
        """Let the calling thread's runs end by this time; infinite for no deadline."""
        self._thread.expires_s = expires_s

    def run(self, arrays: Arrays) -> Arrays:
        """Named inputs to named outputs, both with the batch dimension first.

        Raises:
            DeclinedError: the inputs or the answers fail a check, or the time does not suffice.
            GraphError: the graph cannot be run.
        """
        self._check_inputs(arrays)
        left_s = getattr(self._thread, "expires_s", math.inf) - self._clock()
        if left_s <= self._fastest_s:
            raise _late(f"{left_s * 1e3:.3f} ms left for a run that takes {self._fastest_s * 1e3:.3f} ms")
        answers = self._graph.run(arrays) if math.isinf(left_s) else self._run_within(left_s, arrays)
        self._check_outputs(answers)
        return answers

    def _run_within(self, left_s: float, arrays: Arrays) -> Arrays:
        call = self._graph.prepare()
        watch = self._watchdog.begin(call.stop, left_s)
        try:
            return call.run(arrays)
        except GraphStoppedError as error:
            raise _late(f"the graph was stopped after {left_s * 1e3:.3f} ms") from error
        finally:
            self._watchdog.end(watch)


def _late(detail: str) -> DeclinedError:
    return DeclinedError(Reason.FALLBACK_DEADLINE, detail, model_at_fault=True)
