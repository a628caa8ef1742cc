"""What the threads of a session tell its ledger."""

from array import array

from msgspec import Struct, field

__all__ = ["Batch", "Run"]


class Run(Struct):
    """Chunks that follow each other in one file, verified.

    Attributes:
        entry: number of the file's entry.
        offset: in the file.
        first: sequence number of the first.
        count: how many.
        length_bytes: of them together.
        data: their bytes; empty where they lie in their place already.
    """

    entry: int
    offset: int
    first: int
    count: int
    length_bytes: int
    data: memoryview


class Batch(Struct):
    """What one batch of the catalogue adds.

    Attributes:
        states: of its chunks.
        flags: of its entries, one byte each.
        outstanding: of its entries: how many chunks of a file are not verified, and one more while its
            records are not complete.
        begun: how many of its entries are files that were not taken back.
        changes: for files of earlier batches: entry, its flags now, and what to add to its outstanding.
        settled: chunks of earlier batches that get another state: first, count, state.
        bytes_to_write: what its chunks will take on the disk.
    """

    states: bytearray = field(default_factory=bytearray)
    flags: bytearray = field(default_factory=bytearray)
    outstanding: "array[int]" = field(default_factory=lambda: array("q"))
    begun: int = 0
    changes: list[tuple[int, int, int]] = field(default_factory=list)
    settled: list[tuple[int, int, int]] = field(default_factory=list)
    bytes_to_write: int = 0
