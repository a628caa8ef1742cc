"""Open descriptors by name: the least recently used is closed first, and none while somebody uses it."""

import os
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from threading import Lock

__all__ = ["Leases"]


class _Lease:
    __slots__ = ("fd", "holders")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.holders = 0


class Leases:
    """A bounded number of open descriptors, used from many threads at once."""

    def __init__(self, capacity: int) -> None:
        """Start with none.

        Args:
            capacity: how many stay open while nobody uses them.
        """
        self._capacity = capacity
        self._leases: OrderedDict[bytes, _Lease] = OrderedDict()
        self._lock = Lock()

    def hold(self, key: bytes, opened: Callable[[bytes], int]) -> int:
        """The descriptor of a name, to be given back with `release`.

        Args:
            key: the name.
            opened: opens it where it is not open; may raise.
        """
        fd = self.hold_open(key)
        return self.add(key, opened(key)) if fd is None else fd

    def hold_open(self, key: bytes) -> int | None:
        """The descriptor of a name if it is open: to be given back with `release`. Else None."""
        with self._lock:
            lease = self._leases.get(key)
            if lease is None:
                return None
            lease.holders += 1
            self._leases.move_to_end(key)
            return lease.fd

    def release(self, key: bytes) -> None:
        """Say that the descriptor is not used any more."""
        with self._lock:
            self._leases[key].holders -= 1

    def forget(self, key: bytes) -> None:
        """Close a name's descriptor, unless it is in use."""
        with self._lock:
            lease = self._leases.get(key)
            if lease is None or lease.holders:
                return
            del self._leases[key]
        os.close(lease.fd)

    def close(self) -> None:
        """Close all that nobody uses."""
        with self._lock:
            idle = [key for key, lease in self._leases.items() if not lease.holders]
            fds = [self._leases.pop(key).fd for key in idle]
        for fd in fds:
            os.close(fd)

    def add(self, key: bytes, fd: int) -> int:
        """Take over an open descriptor; returns the one to use, to be given back with `release`."""
        with self._lock:
            lease = self._leases.get(key)
            surplus = [] if lease is None else [fd]
            if lease is None:
                lease = self._leases[key] = _Lease(fd)
            lease.holders += 1
            surplus += self._surplus()
        for other in surplus:
            os.close(other)
        return lease.fd

    def _surplus(self) -> list[int]:
        count = len(self._leases) - self._capacity
        if count <= 0:
            return []
        idle = (key for key, lease in self._leases.items() if not lease.holders)
        return [self._leases.pop(key).fd for key in list(islice(idle, count))]
