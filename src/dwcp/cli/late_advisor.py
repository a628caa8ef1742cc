"""An advisor that is loaded when it is first asked: nobody waits for it, and short work never loads it."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

from dwcp.serving import Hint, Reason

__all__ = ["LateAdvisor"]


class _Closable(Protocol):
    def ask(self, task_name: str, context: Any) -> Hint[Any]: ...

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None: ...

    def close(self) -> None: ...


class LateAdvisor:
    """Answers nothing while the real one is loaded, beside the work; from the first question of its task on.

    Args:
        task_name: the only task that the real one knows.
        load: makes the real one; called once, from a thread of its own, and must not raise.
    """

    def __init__(self, task_name: str, load: Callable[[], _Closable]) -> None:
        self._task_name, self._load = task_name, load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loaded: _Closable | None = None

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """The real one's hint; none while it is not loaded. See `dwcp.serving.Advisor`."""
        if task_name == self._task_name:
            if self._loaded is not None:
                return self._loaded.ask(task_name, context)
            self._begin()
        return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None, {}, (), "the model is not loaded", 0.0)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand an outcome to the real one, once it is loaded."""
        if self._loaded is not None and task_name == self._task_name:
            self._loaded.observe(task_name, context, action, outcome)

    def close(self) -> None:
        """Close the real one. One that is still being loaded is not waited for, and not used."""
        if self._loaded is not None:
            self._loaded.close()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dwcp-advisor", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        self._loaded = self._load()
