import tracemalloc
from random import Random

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.limits import MAX_CONTROL_BYTES
from dwcp.transfer.protocol.packing import pack, unpack

LEVEL = zstd.CompressionParameter.compression_level


def declared(length: int, compressed: bytes) -> bytes:
    return b"\1" + length.to_bytes(4, "big") + compressed


@given(st.binary(max_size=200), st.integers(1, 50))
def test_what_is_packed_is_unpacked(piece: bytes, times: int) -> None:
    plain = piece * times
    packed = pack(plain)
    assert unpack(packed) == plain
    assert len(packed) <= len(plain) + 1


def test_only_what_gets_shorter_is_compressed() -> None:
    noise = Random(1).randbytes(10_000)
    assert pack(noise) == b"\0" + noise
    assert pack(bytes(10_000))[0] == 1
    assert len(pack(bytes(10_000))) < 100


def test_the_longest_message_fits_its_frame_even_where_it_does_not_shrink() -> None:
    noise = Random(2).randbytes(MAX_CONTROL_BYTES - 1)
    assert unpack(pack(noise)) == noise
    assert len(pack(noise)) == MAX_CONTROL_BYTES
    with pytest.raises(ProtocolError, match="split it"):
        pack(bytes(MAX_CONTROL_BYTES))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "neither that it is plain"),
        (b"\2abc", "neither that it is plain"),
        (b"\1\0\0\0\1", "neither that it is plain"),
        (declared(MAX_CONTROL_BYTES, b"x"), "less than"),
        (declared(2**32 - 1, b"x"), "less than"),
        (declared(50, b"no zstd"), "does not decompress"),
        (declared(100, zstd.compress(bytes(99))), "not one zstd frame of the 100 bytes"),
        (declared(100, zstd.compress(bytes(101))), "not one zstd frame"),
        (declared(100, zstd.compress(bytes(100)) + b"x"), "not one zstd frame"),
        (declared(100, zstd.compress(bytes(50)) * 2), "not one zstd frame"),
        (declared(100, zstd.compress(bytes(100))[:-1]), "not one zstd frame"),
        (declared(0, zstd.compress(b"")), "not shorter"),
        (declared(3, zstd.compress(b"abc")), "not shorter"),
    ],
)
def test_what_is_wrong_is_said(payload: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        unpack(payload)


def test_a_bomb_takes_no_more_than_it_declared() -> None:
    bomb = zstd.compress(bytes(64 * 1024 * 1024), 19)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            unpack(declared(100_000, bomb))
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_window_larger_than_any_message_is_refused() -> None:
    wide = {LEVEL: 1, zstd.CompressionParameter.window_log: 24}
    compressor = zstd.ZstdCompressor(options=wide)
    stream = compressor.compress(bytes(4000)) + compressor.flush()
    with pytest.raises(ProtocolError, match="does not decompress"):
        unpack(declared(4000, stream))
