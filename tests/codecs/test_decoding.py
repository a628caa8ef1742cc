"""Bombs and lies, made by hand: what no encoder would write."""

import subprocess
import sys
import tracemalloc

import lz4.block
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.codecs import (
    BlockKind,
    Codec,
    Reference,
    ReferenceStore,
    Uncompressed,
    Window,
    codec_named,
    decode,
    encode_known,
    read_header,
)
from dwcp.codecs.frame import MAGIC, pack
from dwcp.errors import CodecError, CorruptBlockError

MIB = 1024 * 1024
HEADER_BYTES = 21

NAMED = st.sampled_from(
    ["none", "lz4", "lz4hc-4", "snappy", "zstd--7", "zstd-1", "zstd-6", "delta-1", "delta-5"]
)


def frame(kind: BlockKind, declared_bytes: int, payload: bytes) -> bytes:
    return MAGIC + bytes([kind]) + declared_bytes.to_bytes(8, "little") + bytes(8) + payload


def zstd_zeros(total_bytes: int, window_log: int = 17) -> bytes:
    """A zstd frame of run-length blocks that does not say how long its content is."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0, (window_log - 10) << 3])
    blocks = total_bytes // (128 * 1024)
    run = (128 * 1024 << 3) | 0b010
    many = (run.to_bytes(3, "little") + b"\0") * (blocks - 1)
    return header + many + (run | 1).to_bytes(3, "little") + b"\0"


def lz4_zeros(total_bytes: int) -> bytes:
    return bytes(lz4.block.compress(bytes(total_bytes), store_size=False))


def snappy_claiming(total_bytes: int) -> bytes:
    """A snappy payload whose own header claims this length (below 4 GiB) and that holds one literal."""
    groups = [total_bytes >> shift & 0x7F for shift in range(0, 35, 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + [groups[-1]]) + b"\0x"


def test_the_hand_made_zstd_frame_is_one() -> None:
    assert zstd.decompress(zstd_zeros(MIB)) == bytes(MIB)


@pytest.mark.parametrize(
    "stored",
    [
        frame(BlockKind.ZSTD, MIB, zstd_zeros(2048 * MIB)),
        frame(BlockKind.ZSTD, MIB, zstd_zeros(MIB, window_log=31)),
        frame(BlockKind.ZSTD, 1 << 40, zstd_zeros(MIB)),
        frame(BlockKind.LZ4, MIB, lz4_zeros(64 * MIB)),
        frame(BlockKind.LZ4, 1 << 31, lz4_zeros(MIB)),
        frame(BlockKind.SNAPPY, MIB, snappy_claiming(2**32 - 1)),
        frame(BlockKind.SNAPPY, 2**32 - 1, snappy_claiming(2**32 - 1)),
        frame(BlockKind.NONE, 1 << 40, b"x"),
    ],
    ids=["zstd", "zstd window", "zstd lie", "lz4", "lz4 lie", "snappy", "snappy lie", "none lie"],
)
def test_a_bomb_is_refused_with_no_more_memory_than_declared(stored: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CorruptBlockError):
            decode(stored, 1 << 62)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * MIB


BOMB_IN_LITTLE_MEMORY = """
import resource, sys
from dwcp.codecs import decode
from dwcp.errors import CorruptBlockError
stored = sys.stdin.buffer.read()
held_bytes = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held_bytes + (64 << 20),) * 2)
try:
    decode(stored, 1 << 62)
except CorruptBlockError:
    print("refused")
"""


@pytest.mark.parametrize(
    "stored",
    [
        frame(BlockKind.ZSTD, MIB, zstd_zeros(4096 * MIB)),
        frame(BlockKind.ZSTD, MIB, zstd_zeros(MIB, window_log=30)),
        frame(BlockKind.SNAPPY, MIB, snappy_claiming(2**32 - 1)),
        frame(BlockKind.LZ4, 1 << 31, lz4_zeros(MIB)),
    ],
    ids=["zstd", "zstd window", "snappy", "lz4"],
)
def test_a_bomb_is_refused_in_a_process_that_has_64_mib_left(stored: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMB_IN_LITTLE_MEMORY],
        input=stored,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == b"refused\n", done.stderr.decode()


@settings(max_examples=200)
@given(name=NAMED, plain=st.binary(max_size=4096), earlier=st.binary(min_size=8, max_size=4096))
def test_every_block_comes_back(name: str, plain: bytes, earlier: bytes) -> None:
    codec, store = codec_named(name), ReferenceStore(1 << 20)
    stored = _encode(codec, plain, store.add(earlier))
    assert decode(stored, len(plain), store) == plain


@settings(max_examples=300)
@given(
    name=NAMED,
    plain=st.binary(max_size=512),
    where=st.floats(0, 1, exclude_max=True),
    junk=st.binary(min_size=1, max_size=8),
)
def test_overwritten_bytes_never_give_other_bytes(name: str, plain: bytes, where: float, junk: bytes) -> None:
    codec, store = codec_named(name), ReferenceStore(1 << 20)
    stored = bytearray(_encode(codec, plain, store.add(b"an earlier version" + plain)))
    at = int(where * len(stored))
    stored[at : at + len(junk)] = junk
    try:
        back = decode(stored, len(plain), store)
    except CodecError:
        return
    assert back == plain


@settings(max_examples=300)
@given(kind=st.sampled_from(BlockKind), declared=st.integers(0, 5000), payload=st.binary(max_size=200))
def test_junk_in_a_frame_is_refused(kind: BlockKind, declared: int, payload: bytes) -> None:
    with pytest.raises(CodecError):
        decode(frame(kind, declared, payload), 5000, ReferenceStore(0))


@pytest.mark.parametrize("plain", [b"", b"x", b"repeat " * 5000])
def test_payloads_are_what_the_libraries_read(plain: bytes) -> None:
    def payload(name: str) -> bytes:
        return codec_named(name).encode(plain)[HEADER_BYTES:]

    assert zstd.decompress(payload("zstd-3")) == plain
    assert zstd.decompress(payload("zstd--5")) == plain
    assert lz4.block.decompress(payload("lz4"), uncompressed_size=len(plain)) == plain
    assert lz4.block.decompress(payload("lz4hc-9"), uncompressed_size=len(plain)) == plain
    assert payload("none") == plain


@pytest.mark.parametrize("plain", [b"", b"x", b"repeat " * 5000])
def test_payloads_that_the_libraries_write_are_read(plain: bytes) -> None:
    assert decode(pack(BlockKind.ZSTD, plain, zstd.compress(plain, 7)), len(plain)) == plain
    assert (
        decode(pack(BlockKind.LZ4, plain, lz4.block.compress(plain, store_size=False)), len(plain)) == plain
    )


def test_a_zstd_frame_that_says_no_length_is_read() -> None:
    assert decode(pack(BlockKind.ZSTD, bytes(MIB), zstd_zeros(MIB, window_log=23)), MIB) == bytes(MIB)


def test_two_zstd_frames_in_one_block_are_refused() -> None:
    twice = zstd.compress(b"one") + zstd.compress(b"two")
    with pytest.raises(CorruptBlockError, match="one whole frame"):
        decode(pack(BlockKind.ZSTD, b"onetwo", twice), 6)


def test_a_known_block_is_its_id_and_nothing_more() -> None:
    store, plain = ReferenceStore(1 << 20), b"held on both sides " * 100
    reference = store.add(plain)
    stored = encode_known(plain)
    assert len(stored) == HEADER_BYTES + 32
    assert read_header(stored).reference_id == reference.id
    assert decode(stored, len(plain), store) == plain
    with pytest.raises(CorruptBlockError, match="past its end"):
        decode(stored + b"x", len(plain), store)


def test_a_window_outside_its_reference_is_refused() -> None:
    store, plain = ReferenceStore(1 << 20), b"0123456789" * 100
    whole = store.add(plain)
    stored = bytearray(codec_named("delta-3").encode(plain, whole.part(Window(0, 500))))
    stored[HEADER_BYTES + 32 + 8 : HEADER_BYTES + 32 + 16] = (1001).to_bytes(8, "little")
    with pytest.raises(CorruptBlockError, match="a part its reference does not have"):
        decode(stored, len(plain), store)


def test_max_bytes_is_held_before_anything_is_looked_up() -> None:
    stored = Uncompressed().encode(b"four")
    with pytest.raises(CodecError, match="declares 4 plain bytes, and at most 3"):
        decode(stored, 3)


def _encode(codec: Codec, plain: bytes, reference: Reference) -> bytes:
    return codec.encode(plain, reference if codec.needs_reference else None)
