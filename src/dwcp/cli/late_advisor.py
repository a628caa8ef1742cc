"""An advisor that is loaded when it is first asked: nobody waits for it, and short work never loads it."""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from dwcp.errors import DwcpError
from dwcp.serving import Hint, Reason

if TYPE_CHECKING:
    from dwcp.serving.local import ArtifactSource, LocalAdvisor

__all__ = ["LateAdvisor", "LateAdvisors", "OpenRegistry", "late_forecasts", "late_selector"]

OpenRegistry = Callable[[], "ArtifactSource"]
"""Opens a registry: late, too."""

_STEPS_BEFORE_FORECASTS = 3
"""Seconds of measurements from which on forecasts are loaded: before, they say little more than the latest of
these, and most transfers are over."""


class _Closable(Protocol):
    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]: ...

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None: ...

    def close(self) -> None: ...


class LateAdvisor:
    """Answers nothing while the real one is loaded, beside the work; from the first question of its task on.

    Args:
        task_name: the only task that the real one knows.
        load: makes the real one; called once, from a thread of its own, and must not raise.
        is_worth_it: whether a context is worth loading for; every one unless given.
    """

    def __init__(
        self,
        task_name: str,
        load: Callable[[], _Closable],
        is_worth_it: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        self.task_name = task_name
        self._load, self._is_worth_it = load, is_worth_it
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loaded: _Closable | None = None

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:
        """The real one's hint; none while it is not loaded. See `dwcp.serving.Advisor`."""
        if task_name == self.task_name:
            if self._loaded is not None:
                return self._loaded.ask(task_name, context, unit=unit, region=region)
            if self._is_worth_it(context):
                self._begin()
        return _nothing("the model is not loaded")

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand an outcome to the real one, once it is loaded."""
        if self._loaded is not None and task_name == self.task_name:
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


class LateAdvisors:
    """Several of them, each asked for its own task.

    Args:
        advisors: for one task each.
    """

    def __init__(self, advisors: Iterable[LateAdvisor]) -> None:
        self._advisors = {advisor.task_name: advisor for advisor in advisors}

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:
        """The hint of the task's own advisor; none for a task without. See `dwcp.serving.Advisor`."""
        advisor = self._advisors.get(task_name)
        if advisor is None:
            return _nothing("nobody knows this task")
        return advisor.ask(task_name, context, unit=unit, region=region)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """Hand an outcome to the task's own advisor."""
        advisor = self._advisors.get(task_name)
        if advisor is not None:
            advisor.observe(task_name, context, action, outcome)

    def close(self) -> None:
        """Close all of them."""
        for advisor in self._advisors.values():
            advisor.close()


def late_forecasts(deadline_ms: float, registry: OpenRegistry | None = None) -> LateAdvisor:
    """The blend of rules, with the champion where there is one, from the third second of measurements on.

    Args:
        deadline_ms: longest a forecast may take.
        registry: opens what holds the champion; None for none.
    """
    return LateAdvisor(
        "bandwidth",
        lambda: _loaded("bandwidth", registry, deadline_ms),
        lambda context: len(context.steps) >= _STEPS_BEFORE_FORECASTS,
    )


def late_selector(deadline_ms: float, registry: OpenRegistry) -> LateAdvisor:
    """What selects compression.

    Args:
        deadline_ms: longest a hint may take.
        registry: opens what holds the champion.
    """
    return LateAdvisor("compression", lambda: _loaded("compression", registry, deadline_ms))


def _loaded(task_name: str, registry: OpenRegistry | None, deadline_ms: float) -> "LocalAdvisor":
    from dwcp.serving.local import LocalAdvisor

    task = import_module(f"dwcp.tasks.{task_name}.task").TASK
    advisor = LocalAdvisor([task], None if registry is None else registry(), deadline_ms=deadline_ms)
    # Why there is no model is told with every hint.
    with suppress(DwcpError):
        advisor.load(task_name)
    return advisor


def _nothing(detail: str) -> Hint[Any]:
    return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None, {}, (), detail, 0.0)
