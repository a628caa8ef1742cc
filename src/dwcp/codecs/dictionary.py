"""Trained dictionaries: one for each class of data, for blocks too small to have a history of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from backports import zstd

from dwcp.codecs.buffers import Buffer, byte_view
from dwcp.codecs.frame import BlockKind, pack
from dwcp.codecs.levels import check_level
from dwcp.codecs.reference import Reference, plaintext_id
from dwcp.codecs.zstd import ZSTD_LEVELS, Zstd, compress_zstd, decompress_zstd
from dwcp.errors import CorruptBlockError, InputError

__all__ = [
    "MAX_DICTIONARY_BYTES",
    "MIN_SAMPLE_BYTES",
    "DictionaryHealth",
    "DictionaryZstd",
    "TrainedDictionary",
    "decompress_dictionary",
    "train_dictionary",
]

MIN_SAMPLE_BYTES = 1024
"""Shorter samples teach a dictionary nothing and are left out."""
MAX_DICTIONARY_BYTES = 128 * 1024
"""Larger dictionaries gain no more than they cost to load."""

_HELD_OUT_EVERY = 5
_GAIN_LEVEL = zstd.COMPRESSION_LEVEL_DEFAULT


@dataclass(frozen=True, slots=True)
class TrainedDictionary:
    """A dictionary for a class of data. Both sides hold ``content`` as a reference, under ``id``.

    Attributes:
        data_class: what it was trained on, e.g. a content kind.
        content: the dictionary, in zstd's format.
        gain: plain zstd-3's stored bytes over the dictionary's, on samples held out from the training.
        id: BLAKE3 of the content.
    """

    data_class: str
    content: bytes
    gain: float = 1.0
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Compute the id."""
        object.__setattr__(self, "id", plaintext_id(self.content))


class DictionaryZstd:
    """Zstd with a trained dictionary; whoever decodes needs the dictionary among its references."""

    def __init__(self, dictionary: TrainedDictionary, level: int) -> None:
        """Load the dictionary once, for every block and thread.

        Args:
            dictionary: a trained dictionary.
            level: zstd's, -131072 to 22.

        Raises:
            InputError: no such level.
        """
        check_level("dictionary", level, ZSTD_LEVELS)
        self.dictionary = dictionary
        self.level = level
        self._loaded = zstd.ZstdDict(dictionary.content)

    @property
    def name(self) -> str:
        """E.g. ``dictionary-3``."""
        return f"dictionary-{self.level}"

    @property
    def needs_reference(self) -> bool:
        """Never: the dictionary is its own."""
        return False

    def encode(self, plain: Buffer, reference: Reference | None = None) -> bytes:  # noqa: ARG002
        """Compress one block with the dictionary; a reference is of no use here."""
        view = byte_view(plain)
        options: dict[int, int] = {zstd.CompressionParameter.compression_level: self.level}
        payload = compress_zstd(view, options, self._loaded.as_digested_dict)
        return pack(BlockKind.DICTIONARY, view, payload, self.dictionary.id)


class DictionaryHealth:
    """Watches what a dictionary gains, and knows when it has gone stale and is to be trained again.

    Stale is when what it gains over plain zstd has fallen below half of what it gained when it was
    trained, or when it gains nothing. Recent blocks count more: a block's weight halves with every
    ``half_life_blocks`` that follow.
    """

    def __init__(self, trained_gain: float, half_life_blocks: int = 64) -> None:
        """Begin with no evidence.

        Args:
            trained_gain: the dictionary's gain on held-out samples.
            half_life_blocks: also how many blocks it takes before anything is said to be stale.
        """
        self._trained_gain = trained_gain
        self._half_life_blocks = half_life_blocks
        self._blocks = 0
        self._plain_bytes = 0.0
        self._dictionary_bytes = 0.0
        self._lock = Lock()

    def observe(self, dictionary_bytes: int, plain_bytes: int) -> None:
        """Take in one block: its length with the dictionary, and with plain zstd."""
        keep = 0.5 ** (1 / self._half_life_blocks)
        with self._lock:
            self._blocks += 1
            self._plain_bytes = keep * self._plain_bytes + plain_bytes
            self._dictionary_bytes = keep * self._dictionary_bytes + dictionary_bytes

    @property
    def gain(self) -> float:
        """Plain zstd's bytes over the dictionary's, of late; the trained gain before any block."""
        with self._lock:
            return self._plain_bytes / self._dictionary_bytes if self._blocks else self._trained_gain

    @property
    def stale(self) -> bool:
        """Whether to train again, on samples of today."""
        if self._blocks < self._half_life_blocks:
            return False
        return self.gain < max(1.0, (1.0 + self._trained_gain) / 2)


def train_dictionary(
    data_class: str, samples: Sequence[Buffer], max_bytes: int = MAX_DICTIONARY_BYTES
) -> TrainedDictionary:
    """Train a dictionary for a class of data; every fifth sample is held out to measure its gain.

    Args:
        data_class: what the samples are.
        samples: blocks of the kind the dictionary is for; those under 1 KiB are left out.
        max_bytes: at most 128 KiB.

    Raises:
        InputError: too few samples, too much alike, or a size out of range.

    Source: zstd's ``ZDICT_trainFromBuffer``.
    """
    if not 1 <= max_bytes <= MAX_DICTIONARY_BYTES:
        raise InputError(f"a dictionary has 1 to {MAX_DICTIONARY_BYTES} bytes, not {max_bytes}")
    usable = [view for view in map(byte_view, samples) if len(view) >= MIN_SAMPLE_BYTES]
    held_out = usable[::_HELD_OUT_EVERY]
    taught = [view for index, view in enumerate(usable) if index % _HELD_OUT_EVERY]
    try:
        content = zstd.train_dict(taught, max_bytes).dict_content
    except (zstd.ZstdError, ValueError) as error:
        raise InputError(
            f"no dictionary for {data_class!r} can be trained on {len(taught)} samples of at least "
            f"{MIN_SAMPLE_BYTES} bytes; give more, and more varied, ones ({error})"
        ) from error
    untried = TrainedDictionary(data_class, content)
    return replace(untried, gain=_gain(untried, held_out))


def decompress_dictionary(payload: memoryview, plain_bytes: int, reference: Reference) -> bytes:
    """Decompress a block made with a dictionary.

    Raises:
        CorruptBlockError: the payload does not decode, or the reference is no dictionary.
    """
    try:
        loaded = zstd.ZstdDict(reference.view)
    except ValueError as error:
        raise CorruptBlockError(f"reference {reference.id.hex()} is not a zstd dictionary") from error
    return decompress_zstd(payload, plain_bytes, loaded)


def _gain(dictionary: TrainedDictionary, held_out: Sequence[memoryview]) -> float:
    with_dictionary, plain = DictionaryZstd(dictionary, _GAIN_LEVEL), Zstd(_GAIN_LEVEL)
    plain_bytes = sum(len(plain.encode(view)) for view in held_out)
    return plain_bytes / sum(len(with_dictionary.encode(view)) for view in held_out)
