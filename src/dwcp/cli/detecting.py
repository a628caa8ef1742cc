"""What `dwcp watch nodes`, `dwcp watch etcd` and `dwcp detect` share: a detector with the model there is."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dwcp.errors import DwcpError, GraphError, InputError

if TYPE_CHECKING:
    from dwcp.cli.detect_ahead import GraphAhead
    from dwcp.cli.session import Session
    from dwcp.serving import Hint
    from dwcp.task import Task

__all__ = ["Detector", "memory_file"]

_FORMAT = 1
_DEADLINE_MS = 1000.0
"""Nothing waits for a verdict, and a busy machine must not turn a model into its fallback."""
_TOGETHER = {"reliability": 64}
"""How many contexts a graph is asked about at once. What a task that is not named here feeds its graph
depends on the verdicts before."""


class Detector:
    """Asks one task: the champion of the registry where there is one, else the task's own rules.

    Args:
        session: names the home.
        registry: folder of the models; that of the home when None.
        task: consensus or reliability.
    """

    def __init__(self, session: "Session", registry: Path | None, task: "Task") -> None:
        from dwcp.serving.local import LocalAdvisor

        self._task = task.name
        self._arrays = task.arrays
        self._graph: GraphAhead | None = None
        self._advisor = LocalAdvisor(
            [task], session.registry(registry), deadline_ms=_DEADLINE_MS, open_graph=self._opened
        )
        try:
            self.by = f"{self._task} {self._advisor.load(self._task).version}"
        except DwcpError as error:
            self.by, self._graph = f"rules alone: {error}", None

    def judge(self, context: object, outcome_of: Any) -> "Hint[Any]":
        """A verdict, which the detector takes note of: what it remembers goes on with it.

        Args:
            context: the task's.
            outcome_of: makes the task's outcome of "was it flagged": nobody labels live.

        Raises:
            GraphError: not even the rules could answer.
        """
        hint = self._advisor.ask(self._task, context)
        if hint.action is None:
            raise GraphError(f"{self._task} gives no verdict: {hint.detail}")
        self._advisor.observe(self._task, context, hint.action, outcome_of(hint.action.anomalous))
        return hint

    def judge_all(self, contexts: Iterable[object], outcome_of: Any) -> "Iterator[Hint[Any]]":
        """The verdicts that `judge` gives one after the other, with the graph asked about many at once.

        Args:
            contexts: the task's, in the order in which they are judged; read some way ahead of the verdicts.
            outcome_of: as for `judge`.

        Raises:
            GraphError: not even the rules could answer.
        """
        left = iter(contexts)
        while some := list(islice(left, _TOGETHER.get(self._task, 1))):
            self._run_ahead(some)
            for context in some:
                yield self.judge(context, outcome_of)

    def close(self) -> None:
        """End what keeps deadlines."""
        self._advisor.close()

    def save(self, file: Path, more: Mapping[str, object]) -> None:
        """Write what is remembered, and what else the caller wants kept, whole or not at all.

        Raises:
            StorageError: the disk is full or the place may not be written.
        """
        from dwcp.evaluation.files import atomic_write

        state = {"format": _FORMAT, "task": self._task, "state": self._advisor.snapshot(self._task), **more}
        atomic_write(file, json.dumps(state, allow_nan=False).encode())

    def load(self, file: Path) -> dict[str, Any]:
        """Continue from what `save` wrote; gives all that it wrote, empty where there is no such file.

        Raises:
            InputError: the file cannot be read or was not written by `save` for this task.
        """
        try:
            kept = json.loads(file.read_bytes())
            if (kept["format"], kept["task"]) != (_FORMAT, self._task):
                raise InputError(f"{file} was kept by another detector; remove it to begin anew")
            self._advisor.restore(self._task, kept["state"])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{file} holds no detector; remove it to begin anew") from error
        return cast("dict[str, Any]", kept)

    def _opened(self, model: bytes) -> "GraphAhead":
        from dwcp.cli.detect_ahead import GraphAhead
        from dwcp.serving.runtime import OnnxGraph

        self._graph = GraphAhead(OnnxGraph(model))
        return self._graph

    def _run_ahead(self, contexts: Sequence[object]) -> None:
        if self._graph is not None and len(contexts) > 1:
            # The graph is then asked about each by itself, and the advisor says what is wrong.
            with suppress(GraphError):
                self._graph.run_ahead(self._arrays(contexts))


def memory_file(session: "Session", what: str, target: str) -> Path:
    """Where a watcher keeps what it learned of a target: in the home, if there is one.

    Args:
        session: names the home.
        what: ``nodes`` or ``etcd``.
        target: what is watched.
    """
    digest = hashlib.blake2b(target.encode(), digest_size=6).hexdigest()
    if session.home.is_dir():
        return session.home / "detectors" / f"{what}-{digest}.json"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "dwcp" / "detectors" / f"{what}-{digest}.json"
