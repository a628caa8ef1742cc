"""What was asked of late, so that an outcome finds who answered."""

import threading
from collections import OrderedDict, deque
from typing import Any, Generic, NamedTuple, TypeVar

from dwcp.serving.steering import Route

__all__ = ["Asked", "Recent", "WhoAnswered"]

_MOST, _MOST_EQUAL = 10_000, 1000
_SHORT = 8

ValueT = TypeVar("ValueT")


class _Kept(NamedTuple, Generic[ValueT]):
    address: int
    value: ValueT
    context: Any
    """Held where it is known by its address alone, which so stands for no other object meanwhile."""


class Recent(Generic[ValueT]):
    """Values by the context that they belong to, the latest so many. Safe from any thread.

    The very object is found before one that is equal, as is a context that came over the wire and was packed
    meanwhile; of equal ones the latest. What is kept of a context is a hash, in which both ends and the
    length stand for a window: those are large. One without a hash is found as the very object alone.

    Args:
        most: values that are kept; the oldest are forgotten.
        most_equal: of them with equal contexts.
    """

    def __init__(self, most: int = _MOST, most_equal: int = _MOST_EQUAL) -> None:
        self._most = most
        self._most_equal = most_equal
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self._kept: OrderedDict[int, list[_Kept[ValueT]]] = OrderedDict()
        self._count = 0
        self._fresh: deque[tuple[Any, ValueT]] = deque(maxlen=most)

    def add(self, context: Any, value: ValueT) -> None:
        """Remember a value; the oldest is forgotten. What takes time is left to `settle`."""
        self._fresh.append((context, value))

    def settle(self) -> None:
        """Sort in what came since: off the asking path."""
        # One thread at a time: who looks for a value must not come between its two places.
        with self._settling:
            while self._fresh:
                self._sort_in(*self._fresh.popleft())

    def _sort_in(self, context: Any, value: ValueT) -> None:
        key, address = _hash_of(context), id(context)
        kept = _Kept(address, value, context if key is None else None)
        with self._lock:
            equal = self._kept.setdefault(address if key is None else key, [])
            equal.append(kept)
            self._count += 1
            if len(equal) > self._most_equal:
                del equal[0]
                self._count -= 1
            if self._count > self._most:
                self._forget_oldest()

    def pop(self, context: Any) -> ValueT | None:
        """The value of a context, once; None where there is none."""
        self.settle()
        key, address = _hash_of(context), id(context)
        if key is None:
            key = address
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            same = (place for place in reversed(range(len(found))) if found[place].address == address)
            kept = found.pop(next(same, -1))
            self._count -= 1
            if not found:
                del self._kept[key]
        return kept.value

    def _forget_oldest(self) -> None:
        key, oldest = next(iter(self._kept.items()))
        del oldest[0]
        self._count -= 1
        if not oldest:
            del self._kept[key]


class WhoAnswered(NamedTuple):
    """Who was asked.

    Attributes:
        route: where the question went.
        asked: version that was asked; empty where there was none. Not the model itself, which could not be
            let go of then.
        answered: whether it did, and not the rule.
    """

    route: Route
    asked: str
    answered: bool


class Asked(Recent[WhoAnswered]):
    """The latest questions, by their context."""


def _hash_of(context: object) -> int | None:
    names = getattr(context, "__dataclass_fields__", ())
    try:
        if names:
            return hash(tuple([_short(getattr(context, name)) for name in names]))
        return hash(context)
    except TypeError:
        return None


def _short(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) > _SHORT:
        return len(value), value[0], value[-1]
    return value
