"""The index of super-features: blocks that are alike, found among millions in microseconds.

A super-feature is several features at once: blocks that share most of their content share one of a few super-
features, and unrelated ones share none. Source: P. Shilane et al., "WAN Optimized Replication of Backup
Datasets Using Stream-Informed Delta Compression", FAST 2012, which also finds what was stored behind the
base of the block before: content moves in runs.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter

import numpy as np

from dwcp.tasks.dedup.contract import FEATURES, MOST_CANDIDATES, Candidate
from dwcp.tasks.dedup.features import Sketch
from dwcp.tasks.dedup.multimap import MultiMap
from dwcp.tasks.dedup.rows import Rows

__all__ = ["MOST_BLOCKS", "SuperFeatureIndex"]

MOST_BLOCKS = 4_000_000
"""How many blocks are known at most: some 500 MB. When there are more, the older half is forgotten."""
_GROUPS = 6
"""Super-features of a block; each is of `FEATURES` / `_GROUPS` features."""
_MOST_A_KEY = 8
_PRIMES = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD3A2646D], np.uint32)
_INDIRECT = 4
"""How many shared features the likeness to another delta of the same base is worth less."""


class SuperFeatureIndex:
    """For one thread. Blocks that are deltas are known too, and stand for their bases."""

    def __init__(
        self, rows: Rows | None = None, keys: MultiMap | None = None, most_blocks: int = MOST_BLOCKS
    ) -> None:
        """Begin empty, or with what was kept.

        Args:
            rows: of the blocks.
            keys: from super-features, and from the beginnings of ids, to rows.
            most_blocks: how many to know at most.
        """
        self.rows = rows or Rows()
        self.keys = keys or MultiMap()
        self._most_blocks = most_blocks

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size_bytes(self) -> int:
        """Memory."""
        return self.rows.size_bytes + self.keys.size_bytes

    def add(self, block_id: bytes, sketch: Sketch, size_bytes: int, base: bytes = b"") -> None:
        """Know a block.

        Args:
            block_id: of the block.
            sketch: its features.
            size_bytes: of its plaintext.
            base: id of the whole block that it is a delta against; empty where it is whole. One that is not
                known leaves the block unknown.
        """
        if len(self.rows) >= self._most_blocks:
            self._forget_older_half()
        base_number = self._number_of(base) if base else None
        if base and base_number is None:
            return
        number = self.rows.add(block_id, sketch, size_bytes, base_number)
        self.keys.add((*_super_features(sketch), _id_key(block_id)), number)

    def find(self, sketch: Sketch, after: bytes = b"") -> tuple[Candidate, ...]:
        """Whole blocks that are alike, the likest first; `MOST_CANDIDATES` at most.

        Args:
            sketch: features of the block that they are wanted for.
            after: id of the block before it in its file or stream; empty for none.
        """
        numbers, following = self.look_up(sketch, after)
        if not numbers:
            return ()
        best: dict[int, tuple[tuple[int, int], Candidate]] = {}
        for number, features, grams in zip(numbers, *self.rows.likeness(numbers, sketch), strict=True):
            base = self.rows.base_of(number)
            if base is None:
                continue
            is_direct = base == number
            rank = features + grams - (0 if is_direct else _INDIRECT), number
            if base not in best or best[base][0] < rank:
                size_bytes, is_next = self.rows.size_bytes_of(base), number in following
                candidate = Candidate(self.rows.id_of(base), size_bytes, features, grams, is_direct, is_next)
                best[base] = rank, candidate
        ordered = sorted(best.values(), key=itemgetter(0), reverse=True)
        return tuple(candidate for _, candidate in ordered[:MOST_CANDIDATES])

    def look_up(self, sketch: Sketch, after: bytes = b"") -> tuple[list[int], set[int]]:
        """What `find` holds against the sketch: numbers, and those of them that are there for their place."""
        *lists, same_id = self.keys.find([*_super_features(sketch), _id_key(after)], _MOST_A_KEY)
        following = set(self._following(self._with_id(same_id, after))) if after else set()
        return list(following.union(*lists)), following

    def _following(self, number: int | None) -> Iterator[int]:
        """What was added behind a block, and behind the one that it is a delta against."""
        for before in () if number is None else {number, self.rows.base_of(number)}:
            if before is not None and before + 1 < len(self.rows):
                yield before + 1

    def _number_of(self, block_id: bytes) -> int | None:
        [numbers] = self.keys.find([_id_key(block_id)], _MOST_A_KEY)
        return self._with_id(numbers, block_id)

    def _with_id(self, numbers: Iterable[int], block_id: bytes) -> int | None:
        return next((number for number in numbers if self.rows.id_of(number) == block_id), None)

    def _forget_older_half(self) -> None:
        kept_from = len(self.rows) // 2
        self.rows = self.rows.from_number(kept_from)
        self.keys = self.keys.without_below(kept_from)


def _super_features(sketch: Sketch) -> list[int]:
    """One key a group; the groups' keys do not mix."""
    grouped = sketch["features"].reshape(_GROUPS, FEATURES // _GROUPS)
    keys = grouped[:, 0] * _PRIMES
    for column in range(1, grouped.shape[1]):
        keys = (keys ^ (keys >> np.uint32(15)) ^ grouped[:, column]) * _PRIMES
    found: list[int] = keys.tolist()
    return found


def _id_key(block_id: bytes) -> int:
    return int.from_bytes(block_id[:4], "little")
