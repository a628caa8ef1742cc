"""Sealed objects: what went in comes out, in parts too; and nothing that was altered does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import CorruptBlockError, InputError, ObjectNotFoundError
from dwcp.storage import MemoryBackend
from dwcp.storage.sealing.backend import SealedBackend
from dwcp.storage.sealing.keys import StoreKeys
from dwcp.storage.sealing.objects import HEAD_BYTES, SEALED_BYTES, SEGMENT_BYTES, plain_size, seal_object

KEYS, OTHER_KEYS = StoreKeys(bytes(range(32))), StoreKeys(bytes(32))
NAME = "packs/ab/abcd"
NAMES = st.from_regex("[a-z0-9-]{1,12}(/[a-z0-9-]{1,12}){0,4}", fullmatch=True)
SIZES = st.one_of(
    st.integers(0, 100),
    st.integers(0, 5).flatmap(lambda n: st.integers(-2, 2).map(lambda d: max(n * SEGMENT_BYTES + d, 0))),
    st.integers(0, 5 * SEGMENT_BYTES),
)


def content(size_bytes: int) -> bytes:
    return b"".join(b"%08d" % number for number in range(size_bytes // 8 + 1))[:size_bytes]


def sealed(data: bytes, name: str = NAME) -> tuple[MemoryBackend, SealedBackend]:
    memory = MemoryBackend()
    backend = SealedBackend(memory, KEYS)
    backend.put(name, data)
    return memory, backend


@settings(deadline=None)
@given(
    SIZES, st.integers(0, 6 * SEGMENT_BYTES), st.one_of(st.none(), st.integers(0, 6 * SEGMENT_BYTES)), NAMES
)
def test_what_went_in_comes_out(size_bytes: int, offset: int, length: int | None, name: str) -> None:
    data = content(size_bytes)
    _, backend = sealed(data, name)
    for _ in range(2):
        assert backend.get(name, offset, length) == data[offset : None if length is None else offset + length]
        assert backend.get(name) == data
    assert (backend.size(name), backend.names()) == (len(data), [name])


@given(SIZES)
def test_sizes_are_told_by_sizes(size_bytes: int) -> None:
    assert plain_size(len(seal_object(KEYS, NAME, bytes(size_bytes)))) == size_bytes


@settings(deadline=None, max_examples=200)
@given(SIZES, st.data())
def test_a_flipped_bit_or_a_cut_is_found(size_bytes: int, data: st.DataObject) -> None:
    memory, backend = sealed(content(size_bytes))
    [name] = memory.names()
    whole = memory.get(name)
    if data.draw(st.booleans(), "cut"):
        altered = whole[: data.draw(st.integers(0, len(whole) - 1), "length")]
    else:
        place = data.draw(st.integers(0, 8 * len(whole) - 1), "bit")
        altered = bytearray(whole)
        altered[place // 8] ^= 1 << place % 8
    memory.put(name, altered)
    for reader in (backend, SealedBackend(memory, KEYS)):
        with pytest.raises(CorruptBlockError, match=f"{NAME} was damaged or altered: .*{name}"):
            reader.get(NAME)
        with pytest.raises(CorruptBlockError):
            reader.get(NAME, 0, len(whole))


@pytest.mark.parametrize("segments", [1, 2, 3])
def test_segments_that_are_moved_or_left_out_are_found(segments: int) -> None:
    memory, backend = sealed(content(3 * SEGMENT_BYTES + 5))
    [name] = memory.names()
    whole = memory.get(name)
    head, rest = whole[:HEAD_BYTES], whole[HEAD_BYTES:]
    first, second, *_ = (rest[at : at + SEALED_BYTES] for at in range(0, len(rest), SEALED_BYTES))
    for altered in (
        head + second + first + rest[2 * SEALED_BYTES :],
        head + first + first + rest[2 * SEALED_BYTES :],
        head + rest[SEALED_BYTES:],
        head + rest[: segments * SEALED_BYTES],
        head + first + rest[3 * SEALED_BYTES :],
        whole + whole[HEAD_BYTES:],
    ):
        memory.put(name, altered)
        with pytest.raises(CorruptBlockError):
            backend.get(NAME)
    memory.put(name, head + rest[: segments * SEALED_BYTES])
    begin = segments * SEGMENT_BYTES
    assert backend.get(NAME, begin - 4, 4) == content(begin)[-4:], "what is there is sound"
    for offset in (begin, begin + 1, begin + 9 * SEGMENT_BYTES):
        with pytest.raises(CorruptBlockError, match="last segment is missing"):
            backend.get(NAME, offset, 9)


def test_objects_cannot_change_places() -> None:
    memory, backend = sealed(b"one", "snapshots/1")
    backend.put("snapshots/2", b"two")
    one, two = memory.names()
    swapped = memory.get(two), memory.get(one)
    memory.put(one, swapped[0])
    memory.put(two, swapped[1])
    for name in ("snapshots/1", "snapshots/2"):
        with pytest.raises(CorruptBlockError, match=name):
            backend.get(name)


def test_an_old_head_gives_way_to_a_new_one() -> None:
    memory, backend = sealed(b"old")
    assert backend.get(NAME, 1, 1) == b"l"
    SealedBackend(memory, KEYS).put(NAME, b"new")
    assert backend.get(NAME, 1, 1) == b"e"
    backend.remove(NAME)
    with pytest.raises(ObjectNotFoundError, match=NAME):
        backend.get(NAME, 1, 1)


def test_nothing_can_be_read_behind_it() -> None:
    """Neither a name nor a content, nor that two objects have the same content."""
    memory, backend = sealed(b"a content", "packs/ab/a-name")
    backend.put("packs/ab/another-name", b"a content")
    everything = b"".join(name.encode() + memory.get(name) for name in memory.names())
    for text in (b"a content", b"a-name", b"/ab/a", bytes(range(32))):
        assert text not in everything
    first, second = (memory.get(name) for name in memory.names())
    assert first[4:] != second[4:]
    assert all(name.startswith("packs/") for name in memory.names())


def test_the_same_object_is_sealed_the_same_and_another_never() -> None:
    assert seal_object(KEYS, NAME, b"x") == seal_object(KEYS, NAME, b"x")
    different = {
        seal_object(keys, name, data)[4:HEAD_BYTES]
        for keys in (KEYS, OTHER_KEYS)
        for name in ("a", "a/b", "b")
        for data in (b"", b"x", b"xx")
    }
    assert len(different) == 18


@given(NAMES)
def test_names_come_back_and_strange_ones_do_not(name: str) -> None:
    outer = KEYS.seal_name(name)
    assert KEYS.open_name(outer) == name
    if "/" in name:
        assert OTHER_KEYS.open_name(outer) is None
        for strange in (
            f"{outer}00",
            outer[:-2],
            f"other/{outer.partition('/')[2]}",
            "packs/ab/cd",
            "packs/-",
        ):
            assert KEYS.open_name(strange) is None


def test_what_another_key_sealed_is_not_listed_and_not_read() -> None:
    memory, backend = sealed(b"ours")
    SealedBackend(memory, OTHER_KEYS).put(NAME, b"theirs")
    memory.put("packs/stranger", b"")
    assert (len(memory.names()), backend.names()) == (3, [NAME])
    assert backend.get(NAME) == b"ours"


def test_keys_do_not_show() -> None:
    assert "000102" not in f"{KEYS!r}{KEYS}"
    with pytest.raises(InputError, match="32 bytes, not 5"):
        StoreKeys(b"short")
