"""What is kept of each block that may be found again, row by row, in arrays that grow."""

import numpy as np
from numpy.typing import NDArray

from dwcp.tasks.dedup.contract import FEATURES, GRAMS
from dwcp.tasks.dedup.features import Sketch

__all__ = ["ROW", "Rows"]

ROW = np.dtype(
    [
        ("id", "u1", 32),
        ("features", "u1", FEATURES),
        ("grams", "u1", GRAMS),
        ("size_bytes", "<u4"),
        ("base", "<u4"),
    ]
)
"""The lowest byte of each feature is kept: two that differ agree in it once in 256 times."""
_LEAST_ROWS = 1024
_LOST = 0xFFFFFFFF
"""In place of the number of a base that is not known any more."""


class Rows:
    """Rows by number, from 0."""

    def __init__(self, rows: NDArray[np.void] | None = None) -> None:
        """Begin empty, or with rows that were kept."""
        self._table = np.empty(_LEAST_ROWS, ROW) if rows is None else rows
        self._count = 0 if rows is None else len(rows)

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """Memory, room for more rows included."""
        return self._table.nbytes

    def all(self) -> NDArray[np.void]:
        """A view of them."""
        return self._table[: self._count]

    def add(self, block_id: bytes, sketch: Sketch, size_bytes: int, base: int | None) -> int:
        """Append a row.

        Args:
            block_id: of the block.
            sketch: its features.
            size_bytes: of its plaintext.
            base: number of the block that it is a delta against; None for a whole one.

        Returns:
            Its number.
        """
        if self._count == len(self._table):
            grown = np.empty(max(_LEAST_ROWS, 3 * self._count // 2), ROW)
            grown[: self._count] = self._table
            self._table = grown
        number = self._count
        row = self._table[number]
        row["id"] = np.frombuffer(block_id, np.uint8)
        row["features"] = sketch["features"].astype(np.uint8)
        row["grams"] = sketch["grams"]
        row["size_bytes"] = size_bytes
        row["base"] = number if base is None else base
        self._count += 1
        return number

    def id_of(self, number: int) -> bytes:
        """The id of a block."""
        return bytes(self._table["id"][number])

    def size_bytes_of(self, number: int) -> int:
        """Length of a block's plaintext."""
        return int(self._table["size_bytes"][number])

    def base_of(self, number: int) -> int | None:
        """The number of a block's base, its own where it is whole; None for a base that was forgotten."""
        base = int(self._table["base"][number])
        return None if base == _LOST else base

    def likeness(self, numbers: list[int], sketch: Sketch) -> tuple[list[int], list[int]]:
        """How many features, and how many grams, each of some blocks shares with another."""
        there = self._table[numbers]
        features = (there["features"] == sketch["features"].astype(np.uint8)).sum(axis=1)
        grams = (there["grams"] == sketch["grams"]).sum(axis=1)
        return features.tolist(), grams.tolist()

    def from_number(self, number: int) -> "Rows":
        """The rows from a number on, which is called 0."""
        kept = self.all()[number:].copy()
        is_kept = (kept["base"] >= number) & (kept["base"] != _LOST)
        kept["base"] = np.where(is_kept, kept["base"] - np.uint32(number), np.uint32(_LOST))
        return Rows(kept)
