"""An advisor that is loaded only when there is time for it."""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from dwcp.serving import Hint, Reason

__all__ = ["LateAdvisor"]

_WORTH_S = 1.0
"""A transfer that is over sooner would only wait for the model: loading one takes about half a second."""


class _Closable(Protocol):
    def ask(self, task_name: str, context: Any) -> Hint[Any]: ...

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None: ...

    def close(self) -> None: ...


class LateAdvisor:
    """Answers nothing for a second after the first question; then loads the real one beside the work.

    Args:
        load: makes the real one; called once, from a thread of its own, and must not raise.
        clock: seconds that only go forward.
    """

    def __init__(self, load: Callable[[], _Closable], clock: Callable[[], float] = time.monotonic) -> None:
        self._load, self._clock = load, clock
        self._began_s: float | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loaded: _Closable | None = None

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """The real one's hint; none while it is not loaded. See `dwcp.serving.Advisor`."""
        if self._loaded is not None:
            return self._loaded.ask(task_name, context)
        now = self._clock()
        if self._began_s is None:
            self._began_s = now
        if now - self._began_s >= _WORTH_S:
            self._begin()
        return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None, {}, (), "the model is not loaded yet", 0.0)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand an outcome to the real one, once it is loaded."""
        if self._loaded is not None:
            self._loaded.observe(task_name, context, action, outcome)

    def close(self) -> None:
        """Wait for loading to end, and close the real one."""
        if self._thread is not None:
            self._thread.join()
        if self._loaded is not None:
            self._loaded.close()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dwcp-advisor", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        self._loaded = self._load()
