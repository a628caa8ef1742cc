"""From 32-bit keys to numbers, many to many: a sorted array, and a small dictionary of what is new.

Eight bytes an entry once it is sorted. Adding is amortised: what is new is merged into the array when there
is a fraction of it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["MultiMap"]

_LEAST_RECENT = 1 << 14
_RECENT_SHARE = 16
_NUMBER_BITS = np.uint64(32)
_NUMBERS = np.uint64(0xFFFFFFFF)


class MultiMap:
    """Entries of a key keep the order in which they were added, as long as numbers never fall."""

    def __init__(self, entries: NDArray[np.uint64] | None = None) -> None:
        """Begin empty, or with what `entries` gave."""
        self._sorted = np.empty(0, np.uint64) if entries is None else entries
        self._recent: dict[int, list[int]] = {}
        self._recent_count = 0

    def __len__(self) -> int:
        return len(self._sorted) + self._recent_count

    @property
    def size_bytes(self) -> int:
        """Memory of the sorted entries; those in the dictionary take some 100 bytes each."""
        return self._sorted.nbytes + 100 * self._recent_count

    def add(self, keys: Iterable[int], number: int) -> None:
        """Let several keys lead to a number.

        Args:
            keys: 32 bits each; one that is given twice leads to it twice.
            number: 32 bits, not below those that were added before.
        """
        for key in keys:
            self._recent.setdefault(key, []).append(number)
            self._recent_count += 1
        if self._recent_count > max(_LEAST_RECENT, len(self._sorted) // _RECENT_SHARE):
            self._merge()

    def find(self, keys: Sequence[int], most: int) -> list[list[int]]:
        """The numbers that each key leads to, the latest first, at most so many a key."""
        wanted = np.array(keys, np.uint64) << _NUMBER_BITS
        begins = np.searchsorted(self._sorted, wanted).tolist()
        ends = np.searchsorted(self._sorted, wanted | _NUMBERS, side="right").tolist()
        return [
            self._latest(key, begin, end, most) for key, begin, end in zip(keys, begins, ends, strict=True)
        ]

    def entries(self) -> NDArray[np.uint64]:
        """All entries, sorted: the key in the upper half, the number in the lower."""
        self._merge()
        return self._sorted

    def without_below(self, number: int) -> "MultiMap":
        """What is left when all numbers below one are dropped, and that one is called 0."""
        entries = self.entries()
        kept = entries[(entries & _NUMBERS) >= np.uint64(number)]
        return MultiMap(kept - np.uint64(number))

    def _latest(self, key: int, begin: int, end: int, most: int) -> list[int]:
        latest = self._recent.get(key, [])[: -most - 1 : -1]
        missing = most - len(latest)
        if missing and begin < end:
            older = self._sorted[max(begin, end - missing) : end] & _NUMBERS
            latest += older[::-1].tolist()
        return latest

    def _merge(self) -> None:
        if not self._recent_count:
            return
        pairs = (key << 32 | number for key, numbers in self._recent.items() for number in numbers)
        fresh = np.fromiter(pairs, np.uint64, self._recent_count)
        fresh.sort()
        merged = np.concatenate((self._sorted, fresh))
        merged.sort(kind="stable")  # two sorted runs: one pass
        self._sorted, self._recent, self._recent_count = merged, {}, 0
