"""What every codec must hold to, as plain functions: one call, one property, ``AssertionError`` if it fails.

For a new codec, parametrise a test over ``CHECKS``::

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_codec(check):
        check(lambda store: MyCodec())
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

from backports import zstd

from dwcp.codecs.buffers import Buffer
from dwcp.codecs.codec import Codec
from dwcp.codecs.decoding import decode
from dwcp.codecs.frame import read_header
from dwcp.codecs.reference import Reference
from dwcp.codecs.store import ReferenceStore
from dwcp.errors import BlockTooLargeError, CorruptBlockError, DwcpError, InputError, ReferenceMissingError

__all__ = [
    "CHECKS",
    "CodecFactory",
    "check_bit_flips",
    "check_concurrency",
    "check_declared_size_lies",
    "check_input_kinds",
    "check_large",
    "check_max_bytes",
    "check_missing_reference",
    "check_round_trip",
    "check_truncation",
    "check_wrong_reference",
    "plaintexts",
]

CodecFactory = Callable[[ReferenceStore], Codec]
"""Makes the codec; adds to the store what its blocks will need for decoding, such as a dictionary."""

_LARGE_BYTES = 64 * 1024 * 1024
_STORE_BYTES = 2 * _LARGE_BYTES
_LENGTH_FIELD = slice(5, 13)
_LIES = (0, 1, 4096, 2**31, 2**32, 2**40, 2**63)
_ANY_LENGTH = 2**64


def plaintexts() -> dict[str, bytes]:
    """Blocks by name: the degenerate ones, and one for each way data may be."""
    rng = Random(42)
    words = [rng.randbytes(rng.randint(2, 9)).hex().encode() for _ in range(300)]
    text = b" ".join(rng.choices(words, k=20_000))
    return {
        "empty": b"",
        "one byte": b"x",
        "eight bytes": b"8 bytes!",
        "random": rng.randbytes(100_001),
        "zeros": bytes(300_000),
        "text": text,
        "already compressed": zstd.compress(text, 3),
        "ramp": bytes(range(256)) * 300,
    }


def check_round_trip(factory: CodecFactory) -> None:
    """What comes out is what went in, for every kind of block."""
    trial = _Trial(factory)
    for name, plain in plaintexts().items():
        assert trial.decode(trial.encode(plain), len(plain)) == plain, f"{name} does not come back"


def check_large(factory: CodecFactory) -> None:
    """64 MiB in one block, half of it compressible."""
    trial = _Trial(factory)
    text = plaintexts()["text"]
    repeated = (text * (_LARGE_BYTES // 2 // len(text) + 1))[: _LARGE_BYTES // 2]
    plain = repeated + Random(7).randbytes(_LARGE_BYTES // 2)
    assert trial.decode(trial.encode(plain), len(plain)) == plain, "64 MiB do not come back"


def check_input_kinds(factory: CodecFactory) -> None:
    """Bytes, bytearray and memoryview, whole and sliced, of bytes and of wider items, give the same."""
    trial = _Trial(factory)
    plain = plaintexts()["ramp"]
    padded = memoryview(b"before" + plain + b"after")
    stored = trial.encode(plain)
    for kind in (bytearray(plain), memoryview(plain), padded[6:-5], memoryview(plain).cast("Q")):
        assert trial.encode(kind) == stored, f"{kind!r} is not encoded as bytes are"
    for held in (bytearray(stored), memoryview(stored), memoryview(b"?" + stored)[1:]):
        assert trial.decode(held, len(plain)) == plain, f"{held!r} is not decoded as bytes are"
    with _refused(InputError, "a buffer with gaps"):
        trial.encode(memoryview(plain)[::2])


def check_truncation(factory: CodecFactory) -> None:
    """A block cut short anywhere, or with a byte past its end, is refused."""
    trial = _Trial(factory)
    for name, plain in plaintexts().items():
        stored = trial.encode(plain)
        for cut in _spread(len(stored)):
            with _refused(CorruptBlockError, f"{name} cut to {cut} of {len(stored)} bytes"):
                trial.decode(stored[:cut], len(plain))
        with _refused(CorruptBlockError, f"{name} with a byte past its end"):
            trial.decode(stored + b"\0", len(plain))


def check_bit_flips(factory: CodecFactory) -> None:
    """One flipped bit anywhere never gives other bytes: it is refused, or is a bit that says nothing."""
    trial = _Trial(factory)
    for name, plain in plaintexts().items():
        stored = trial.encode(plain)
        for bit in _spread(8 * len(stored)):
            flipped = bytearray(stored)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                back = trial.decode(flipped, len(plain))
            except (CorruptBlockError, BlockTooLargeError, ReferenceMissingError):
                continue
            assert back == plain, f"{name} with bit {bit} of {8 * len(stored)} flipped gives other bytes"


def check_declared_size_lies(factory: CodecFactory) -> None:
    """A block that declares another length than it has is refused, however much would be accepted."""
    trial = _Trial(factory)
    for name, plain in plaintexts().items():
        stored = bytearray(trial.encode(plain))
        for lie in {*_LIES, max(len(plain) - 1, 0), len(plain) + 1} - {len(plain)}:
            stored[_LENGTH_FIELD] = lie.to_bytes(8, "little")
            with _refused(CorruptBlockError, f"{name} of {len(plain)} bytes declaring {lie}"):
                trial.decode(stored, _ANY_LENGTH)


def check_max_bytes(factory: CodecFactory) -> None:
    """A block of exactly what is accepted decodes, and one that is a byte longer is refused."""
    trial = _Trial(factory)
    for name, plain in plaintexts().items():
        stored = trial.encode(plain)
        assert trial.decode(stored, len(plain)) == plain, f"{name} does not come back"
        with _refused(BlockTooLargeError, f"{name}, one byte longer than accepted,"):
            trial.decode(stored, len(plain) - 1)


def check_missing_reference(factory: CodecFactory) -> None:
    """A block whose reference is not at hand says so, and so does encoding that needs one and has none."""
    trial = _Trial(factory)
    plain = plaintexts()["text"]
    stored = trial.encode(plain)
    if read_header(stored).reference_id:
        for references in (None, ReferenceStore(0)):
            with _refused(ReferenceMissingError, "a block without its reference"):
                decode(stored, len(plain), references)
    if trial.codec.needs_reference:
        with _refused(InputError, "encoding without a reference"):
            trial.codec.encode(plain)


def check_wrong_reference(factory: CodecFactory) -> None:
    """A block decoded against another reference than its own is refused."""
    trial = _Trial(factory)
    plain = plaintexts()["text"]
    stored = trial.encode(plain)
    if not read_header(stored).reference_id:
        return
    for wrong in (b"", b"short", plain[::-1], plain[: len(plain) // 2]):
        with _refused(CorruptBlockError, f"a block with a wrong reference of {len(wrong)} bytes"):
            decode(stored, len(plain), _Impostor(wrong))


def check_concurrency(factory: CodecFactory) -> None:
    """One codec used by two threads at once gives every block back."""
    trial = _Trial(factory)
    blocks = [plain for plain in plaintexts().values() for _ in range(4)]
    with ThreadPoolExecutor(2) as pool:
        stored = list(pool.map(trial.encode, blocks))
        back = list(pool.map(trial.decode, stored, map(len, blocks)))
    assert back == blocks, "blocks differ when two threads share the codec"


CHECKS: tuple[Callable[[CodecFactory], None], ...] = (
    check_round_trip,
    check_large,
    check_input_kinds,
    check_truncation,
    check_bit_flips,
    check_declared_size_lies,
    check_max_bytes,
    check_missing_reference,
    check_wrong_reference,
    check_concurrency,
)
"""The whole suite."""


class _Trial:
    """A codec with a store of what its blocks refer to."""

    def __init__(self, factory: CodecFactory) -> None:
        self.store = ReferenceStore(_STORE_BYTES)
        self.codec = factory(self.store)

    def encode(self, plain: Buffer) -> bytes:
        if not self.codec.needs_reference:
            return self.codec.encode(plain)
        return self.codec.encode(plain, self.store.add(_earlier(bytes(plain))))

    def decode(self, stored: Buffer, max_bytes: int) -> bytes:
        return decode(stored, max_bytes, self.store)


class _Impostor:
    """Gives the same plaintext for every id."""

    def __init__(self, plain: bytes) -> None:
        self._plain = plain

    @contextmanager
    def pin(self, reference_id: bytes) -> Iterator[Reference]:
        yield Reference(reference_id, self._plain)


def _earlier(plain: bytes) -> bytes:
    """Something like an earlier version: the same with an insertion before it and one inside."""
    middle = len(plain) // 2
    return b"an earlier version: " + plain[:middle] + b"~" + plain[middle:]


def _spread(length: int) -> list[int]:
    """Places below a length: all of the first 200, which hold the header, and 100 over the rest."""
    return sorted({*range(min(length, 200)), *range(0, length, length // 100 + 1)})


@contextmanager
def _refused(error: type[DwcpError], case: str) -> Iterator[None]:
    try:
        yield
    except error:
        return
    raise AssertionError(f"{case} is not refused with {error.__name__}")
