"""The index of a store, kept in a file beside it from one run to the next.

The file is a cache: one that is missing or damaged is an empty index, and what the index says is only ever
where to look. It lies where the store's own index does, and tells no more than that of what is stored.
"""

from contextlib import suppress
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from dwcp.codecs import Buffer
from dwcp.errors import StorageError
from dwcp.evaluation.files import atomic_write
from dwcp.tasks.dedup.contract import Candidate
from dwcp.tasks.dedup.features import Sketch, sketch
from dwcp.tasks.dedup.index import SuperFeatureIndex
from dwcp.tasks.dedup.multimap import MultiMap
from dwcp.tasks.dedup.rows import ROW, Rows

__all__ = ["SIMILAR_FILE", "SimilarBlocksFile", "similar_beside"]

SIMILAR_FILE = "similar.cache"
"""Name of the file beside a store's index; no object of a store has such a name."""
_MAGIC = b"DWSF\x01\x00\x00\x00"
_DIGEST_BYTES = 32


class SimilarBlocksFile:
    """Blocks that are alike, for a store to make deltas against: `dwcp.storage.SimilarBlocks`."""

    def __init__(self, path: Path | None) -> None:
        """Read the file.

        Args:
            path: of the file; None to keep nothing.
        """
        self._path = path
        self.index = _read(path) or SuperFeatureIndex()

    def sketch(self, plain: Buffer) -> Sketch | None:
        """What a block looks like; from any thread. None for one that is too short."""
        return sketch(plain)

    def find(self, of: Sketch, after: bytes) -> tuple[Candidate, ...]:
        """See `SuperFeatureIndex.find`."""
        return self.index.find(of, after)

    def add(self, block_id: bytes, of: Sketch, size_bytes: int, base: bytes) -> None:
        """See `SuperFeatureIndex.add`."""
        self.index.add(block_id, of, size_bytes, base)

    def save(self) -> None:
        """Write the file, whole or not at all. Where it cannot be written, an older one will do."""
        if self._path is None:
            return
        rows, entries = self.index.rows.all(), self.index.keys.entries()
        body = b"".join(
            (_MAGIC, np.array([len(rows), len(entries)], "<u8").tobytes(), rows.tobytes(), entries.tobytes())
        )
        with suppress(StorageError):
            atomic_write(self._path, body + blake3(body).digest())


def similar_beside(folder: Path | None) -> SimilarBlocksFile:
    """The similar blocks of a store, for its `dwcp.storage.StorageHints`.

    Args:
        folder: the local folder of the store's backend; None to keep nothing.
    """
    return SimilarBlocksFile(None if folder is None else folder / SIMILAR_FILE)


def _read(path: Path | None) -> SuperFeatureIndex | None:
    try:
        data = b"" if path is None else path.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 16
    body = memoryview(data)[:-_DIGEST_BYTES]
    if data[: len(_MAGIC)] != _MAGIC or len(body) < head or blake3(body).digest() != data[-_DIGEST_BYTES:]:
        return None
    row_count, entry_count = np.frombuffer(body[len(_MAGIC) : head], "<u8").tolist()
    if len(body) != head + row_count * ROW.itemsize + entry_count * 8:
        return None
    rows: NDArray[np.void] = np.frombuffer(body, ROW, row_count, head).copy()
    entries = np.frombuffer(body, "<u8", entry_count, head + rows.nbytes).astype(np.uint64)
    return SuperFeatureIndex(Rows(rows), MultiMap(entries))
