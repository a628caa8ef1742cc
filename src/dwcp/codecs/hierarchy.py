"""HDE, hierarchical delta encoding: the shortest way to say a block, each level tried only where it can pay.

1. The receiver has the block: its id.
2. There is a reference: a delta against it.
3. The block is small and its class of data has a dictionary: zstd with the dictionary.
4. Plain zstd.

What levels 2 and 3 make is used only where it is no larger than plain zstd-3.
"""

from collections.abc import Callable

from msgspec import Struct

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.delta import MIN_REFERENCE_BYTES, Delta, encode_known
from dwcp.codecs.dictionary import DictionaryHealth, DictionaryZstd
from dwcp.codecs.levels import check_level
from dwcp.codecs.reference import Reference, plaintext_id
from dwcp.codecs.zstd import ZSTD_LEVELS, Zstd, plain_exceeds

__all__ = ["Hierarchy"]

_FLOOR_LEVEL = 3
"""No delta may be larger than plain zstd at this level."""
_MIN_BLOCK_BYTES = 64
"""A shorter block is shorter than the frame that would name its reference."""
_MAX_DICTIONARY_BLOCK_BYTES = 64 * 1024
"""A longer block is its own dictionary: from 128 KiB on nothing more is gained (JSON logs, prose)."""


class Hierarchy(Struct, frozen=True):
    """A codec that tries the levels in order. Its blocks decode like any other.

    The check against plain zstd-3 costs little where the delta is good: zstd-3 runs only until it has
    given out more bytes than the delta has (and an eighth), then stops. A delta 20 times smaller than
    zstd-3's block costs a twentieth of zstd-3's time, in steps of 128 KiB.

    Attributes:
        level: zstd's, of the delta and of plain zstd.
        receiver_has: whether the receiver holds the plaintext with this id; None when that is not known.
        dictionary: the codec for this class of data; None for no dictionary.
        health: what is told of every block tried with the dictionary; a stale one is not tried.
    """

    level: int
    receiver_has: Callable[[bytes], bool] | None = None
    dictionary: DictionaryZstd | None = None
    health: DictionaryHealth | None = None

    def __post_init__(self) -> None:
        """Refuse a level that does not exist."""
        check_level("hde", self.level, ZSTD_LEVELS)

    @property
    def name(self) -> str:
        """E.g. ``hde-3``."""
        return f"hde-{self.level}"

    @property
    def needs_reference(self) -> bool:
        """Never: without one the next level is tried."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:
        """Encode a block by the first level that pays.

        Args:
            plain: the block.
            reference: the previous version, a window of it, or a similar block; held by the caller
                (pinned, where it comes from a store) until the receiver has decoded.
        """
        view = byte_view(plain)
        if len(view) < _MIN_BLOCK_BYTES:
            return Zstd(self.level).encode(view)
        return self._known(view) or self._delta(view, reference) or self._small(view) or self._plain(view)

    def _known(self, view: memoryview) -> bytes | None:
        if self.receiver_has is None:
            return None
        known_id = plaintext_id(view)
        return encode_known(view, known_id) if self.receiver_has(known_id) else None

    def _delta(self, view: memoryview, reference: Reference | None) -> bytes | None:
        if reference is None or len(reference.view) < MIN_REFERENCE_BYTES:
            return None
        delta = Delta(self.level).encode(view, reference)
        if plain_exceeds(view, len(delta), _FLOOR_LEVEL):
            return delta
        return delta if len(delta) <= len(Zstd(_FLOOR_LEVEL).encode(view)) else None

    def _small(self, view: memoryview) -> bytes | None:
        stale = self.health is not None and self.health.stale
        if self.dictionary is None or stale or len(view) > _MAX_DICTIONARY_BLOCK_BYTES:
            return None
        with_dictionary, plain = self.dictionary.encode(view), Zstd(_FLOOR_LEVEL).encode(view)
        if self.health is not None:
            self.health.observe(len(with_dictionary), len(plain))
        return with_dictionary if len(with_dictionary) <= len(plain) else None

    def _plain(self, view: memoryview) -> bytes:
        return Zstd(self.level).encode(view)
