"""What was asked of late, so that an outcome finds who answered."""

import threading
from collections import OrderedDict
from typing import Any

from dwcp.serving._served import ServedPolicy
from dwcp.serving.steering import Route

__all__ = ["Asked"]

_MOST = 4096


class Asked:
    """The latest questions by the very context object that was asked with. Safe from any thread.

    An equal context that is another object is not found: comparing windows would take longer than a hint.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: OrderedDict[int, tuple[Any, Route, ServedPolicy | None, str]] = OrderedDict()

    def add(self, context: Any, route: Route, model: ServedPolicy | None, version: str) -> None:
        """Remember who was asked, and the version that answered, if any did; the oldest is forgotten."""
        with self._lock:
            # The context is kept beside its address, which so stands for no other object meanwhile.
            self._asked[id(context)] = (context, route, model, version)
            if len(self._asked) > _MOST:
                self._asked.popitem(last=False)

    def pop(self, context: Any) -> tuple[Route, ServedPolicy | None, str] | None:
        """Who was asked with this context, once; None where nobody knows."""
        with self._lock:
            found = self._asked.pop(id(context), None)
        return None if found is None else found[1:]
