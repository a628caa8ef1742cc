"""What a delta was made against, put together again from what lies here."""

from collections.abc import Iterator
from contextlib import contextmanager

from blake3 import blake3

from dwcp.codecs import Reference
from dwcp.errors import ReferenceMissingError
from dwcp.transfer.protocol import Data
from dwcp.transfer.receiving.ledger import VERIFIED, Ledger
from dwcp.transfer.receiving.places import Places
from dwcp.transfer.receiving.seen import Seen
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.sketches import Sketches

__all__ = ["OneReference", "ReferenceShelf"]

_MAX_BYTES = 32 * 1024 * 1024


class OneReference:
    """The one reference a bundle may use, as the codecs want it (`dwcp.codecs.References`)."""

    def __init__(self, plain: bytes) -> None:
        """Offer it under its own id: if the sender's was another, it is not found."""
        self._reference = Reference.of(plain)

    @contextmanager
    def pin(self, reference_id: bytes) -> Iterator[Reference]:
        """The reference.

        Raises:
            ReferenceMissingError: it is not the one that is asked for.
        """
        if reference_id != self._reference.id:
            raise ReferenceMissingError("what lies here is not what the delta was made against")
        yield self._reference


class ReferenceShelf:
    """Finds references. Safe to use from several threads."""

    def __init__(
        self, log: SessionLog, ledger: Ledger, seen: Seen, places: Places, sketches: Sketches
    ) -> None:
        """Look for nothing yet."""
        self._log = log
        self._ledger = ledger
        self._seen = seen
        self._places = places
        self._sketches = sketches

    def of(self, data: Data) -> OneReference | None:
        """The reference of a bundle; None where it names none, or what it names is not here any more.

        Raises:
            ProtocolError: it names a sketch, or pieces of one, that there never were.
            StorageError: the index cannot be read.
        """
        if data.sketch is not None:
            plain = self._sketches.reference(data.sketch, data.matched)
            return None if plain is None else OneReference(plain)
        return self._of_blocks(data.reference) if data.reference else None

    def _of_blocks(self, ids: tuple[bytes, ...]) -> OneReference | None:
        blocks = []
        total = 0
        for block_id in ids:
            block = self._block(block_id)
            total += len(block)
            if not block or total > _MAX_BYTES:
                return None
            blocks.append(block)
        return OneReference(b"".join(blocks))

    def _block(self, block_id: bytes) -> bytes:
        """The plaintext of a block, verified; empty where it is not here."""
        number = self._seen.find(block_id)
        if 0 <= number < self._ledger.known and self._ledger.state(number) == VERIFIED:
            (row,) = self._log.chunks.read(number, 1)
            block = self._places.read(self._places.of_chunk(number), row.length)
            if blake3(block).digest() == block_id:
                return block
        source = self._places.find([block_id]).get(block_id)
        place = None if source is None else self._places.of_source(block_id, *source[:3])
        if source is None or place is None:
            return b""
        block = self._places.read(place, source.length)
        return block if blake3(block).digest() == block_id else b""
