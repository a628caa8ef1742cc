"""Batches of the catalogue: closed by count, by bytes, by what they speak of, and by age."""

from dwcp.transfer.protocol import (
    Catalogue,
    Chunks,
    EnterDirectory,
    File,
    Keep,
    Record,
    Symlink,
)

__all__ = ["Batch"]

_MOST_RECORDS = 4096
_MOST_BYTES = 512 * 1024
"""As encoded, before compression."""
_FIRST_PLAIN_BYTES = 256 * 1024
_MOST_PLAIN_BYTES = 32 * 1024 * 1024
_OLDEST_S = 0.05
_RECORD_BYTES = 24
_CHUNK_BYTES = 36
_NAMED = (File, EnterDirectory, Keep)


class Batch:
    """Collects records; says when they had better go. For one thread.

    The first batch goes after a quarter of a megabyte of plaintext, so that the first bundle can follow at
    once; then it may speak of twice as much each time.
    """

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._wire_bytes = 0
        self._plain_bytes = 0
        self._most_plain_bytes = _FIRST_PLAIN_BYTES
        self._began_s = 0.0

    def __bool__(self) -> bool:
        return bool(self._records)

    def add(self, record: Record, now: float) -> bool:
        """Take in a record.

        Args:
            record: the next one.
            now: seconds.

        Returns:
            Whether the batch had better go.
        """
        records = self._records
        if not records:
            self._began_s = now
        records.append(record)
        wire_bytes = _RECORD_BYTES
        if isinstance(record, Chunks):
            wire_bytes += _CHUNK_BYTES * len(record.lengths)
            self._plain_bytes += sum(record.lengths)
        elif isinstance(record, _NAMED):
            wire_bytes += len(record.name)
        elif isinstance(record, Symlink):
            wire_bytes += len(record.name) + len(record.target)
        self._wire_bytes += wire_bytes
        return (
            self._wire_bytes >= _MOST_BYTES
            or self._plain_bytes >= self._most_plain_bytes
            or len(records) >= _MOST_RECORDS
            or now - self._began_s >= _OLDEST_S
        )

    def take(self) -> Catalogue:
        """What was collected; the next batch begins."""
        catalogue = Catalogue(tuple(self._records))
        self._records = []
        self._wire_bytes = self._plain_bytes = 0
        self._most_plain_bytes = min(2 * self._most_plain_bytes, _MOST_PLAIN_BYTES)
        return catalogue
