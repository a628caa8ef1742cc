"""What was hinted, by id, until its outcome is reported or it expires."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec

__all__ = ["HintMemory", "Lost", "Remembered"]


class Lost(Enum):
    """Why there is nothing to report to."""

    UNKNOWN = auto()
    """Never given, expired, or pushed out by newer ones."""
    REPORTED = auto()
    """Its outcome was reported before."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One hint.

    Attributes:
        task: that gave it.
        content: context and action, packed.
        kinds: their types.
        until_s: when it is forgotten.
        is_reported: whether its outcome came; then nothing else is kept of it.
    """

    task: str
    content: bytes
    kinds: tuple[type, type]
    until_s: float
    is_reported: bool = False

    def unpacked(self) -> tuple[Any, Any]:
        """Context and action again."""
        context, action = msgspec.msgpack.decode(self.content, type=tuple[msgspec.Raw, msgspec.Raw])
        decode = msgspec.msgpack.decode
        return decode(context, type=self.kinds[0]), decode(action, type=self.kinds[1])


class HintMemory:
    """Remembers hints, within bounds on their number and on their bytes. Safe from any thread.

    Contexts and actions are kept packed (MessagePack): what they take is then known to the byte, whatever
    callers send.

    Args:
        most: hints; the oldest go first.
        most_bytes: of what is packed.
        lifetime_s: how long one is remembered.
    """

    def __init__(self, most: int = 10_000, most_bytes: int = 64 << 20, lifetime_s: float = 3600.0) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lifetime_s = lifetime_s
        self._hints: OrderedDict[str, Remembered] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._hints)

    def keep(self, hint_id: str, task: str, context: Any, action: Any, now: float) -> None:
        """Remember a hint until an outcome is reported for it."""
        content = msgspec.msgpack.encode((context, action), enc_hook=_number)
        with self._lock:
            self._hints[hint_id] = Remembered(
                task, content, (type(context), type(action)), now + self._lifetime_s
            )
            self._bytes += len(content)
            while self._hints and self._is_too_much(now):
                _, oldest = self._hints.popitem(last=False)
                self._bytes -= len(oldest.content)

    def find(self, hint_id: str, now: float) -> Remembered | Lost:
        """The hint of an id."""
        with self._lock:
            return self._find(hint_id, now)

    def take(self, hint_id: str, now: float) -> Remembered | Lost:
        """The hint of an id, whose outcome counts as reported from now on."""
        with self._lock:
            found = self._find(hint_id, now)
            if isinstance(found, Remembered):
                self._hints[hint_id] = Remembered(
                    found.task, b"", found.kinds, found.until_s, is_reported=True
                )
                self._bytes -= len(found.content)
            return found

    def _find(self, hint_id: str, now: float) -> Remembered | Lost:
        found = self._hints.get(hint_id)
        if found is None or found.until_s <= now:
            return Lost.UNKNOWN
        return Lost.REPORTED if found.is_reported else found

    def _is_too_much(self, now: float) -> bool:
        oldest = next(iter(self._hints.values()))
        return len(self._hints) > self._most or self._bytes > self._most_bytes or oldest.until_s <= now


def _number(value: Any) -> Any:
    """A policy's number that is numpy's, as one of Python's."""
    return value.item()
