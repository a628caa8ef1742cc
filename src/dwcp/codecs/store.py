"""The reference store in memory: plaintexts by id, the least recently used dropped first."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, read_header
from dwcp.codecs.reference import Reference
from dwcp.errors import CorruptBlockError, InputError, ReferenceMissingError

__all__ = ["ReferenceStore"]

_NEEDS_ANOTHER = frozenset({BlockKind.DELTA, BlockKind.DELTA_WINDOW, BlockKind.KNOWN})


class ReferenceStore:
    """Plaintexts that blocks may be encoded against, within a number of bytes.

    Safe to use from several threads. What is pinned is never dropped, so pins may hold the store above
    its capacity until they end; everything else fits the capacity.
    """

    def __init__(self, capacity_bytes: int) -> None:
        """Start empty.

        Args:
            capacity_bytes: how much to keep.

        Raises:
            InputError: the capacity is negative.
        """
        if capacity_bytes < 0:
            raise InputError(f"a reference store's capacity is at least 0 bytes, not {capacity_bytes}")
        self._capacity_bytes = capacity_bytes
        self._references: OrderedDict[bytes, Reference] = OrderedDict()
        self._pins: Counter[bytes] = Counter()
        self._held_bytes = 0
        self._lock = Lock()

    def __contains__(self, reference_id: bytes) -> bool:
        """Whether this plaintext is here now; only a pin makes sure that it stays."""
        return reference_id in self._references

    @property
    def held_bytes(self) -> int:
        """How many bytes of plaintext are held, pinned ones included."""
        return self._held_bytes

    def add(self, plain: Buffer) -> Reference:
        """Keep a copy of a plaintext, as the most recently used.

        Raises:
            InputError: it is larger than the whole store, or is itself a stored delta: depth is 1.
        """
        view = byte_view(plain)
        if len(view) > self._capacity_bytes:
            raise InputError(
                f"a reference of {len(view)} bytes does not fit a store of {self._capacity_bytes} bytes"
            )
        _refuse_delta(view)
        reference = Reference.of(bytes(view))
        with self._lock:
            if reference.id not in self._references:
                self._references[reference.id] = reference
                self._held_bytes += len(reference.plain)
            self._references.move_to_end(reference.id)
            self._drop_oldest()
        return reference

    @contextmanager
    def pin(self, reference_id: bytes) -> Iterator[Reference]:
        """Hold the plaintext with this id until the context ends.

        Raises:
            ReferenceMissingError: it is not here.
        """
        with self._lock:
            if reference_id not in self._references:
                raise ReferenceMissingError(
                    f"reference {reference_id.hex()} is not at hand; fetch it, then decode again"
                )
            reference = self._references[reference_id]
            self._references.move_to_end(reference_id)
            self._pins[reference_id] += 1
        try:
            yield reference
        finally:
            with self._lock:
                self._unpin(reference_id)
                self._drop_oldest()

    def _unpin(self, reference_id: bytes) -> None:
        self._pins[reference_id] -= 1
        if not self._pins[reference_id]:
            del self._pins[reference_id]

    def _drop_oldest(self) -> None:
        if self._held_bytes <= self._capacity_bytes:
            return
        for reference_id in [held for held in self._references if held not in self._pins]:
            self._held_bytes -= len(self._references.pop(reference_id).plain)
            if self._held_bytes <= self._capacity_bytes:
                return


def _refuse_delta(plain: Buffer) -> None:
    try:
        kind = read_header(plain).kind
    except CorruptBlockError:
        return
    if kind in _NEEDS_ANOTHER:
        raise InputError(
            f"a stored {kind.name} block cannot be a reference: depth is 1; decode it, then add it"
        )
