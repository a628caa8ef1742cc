"""Reading ahead: the same chunks in the same order, and the first fault in its place."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dwcp.blocks import FilePart, ZeroRun
from dwcp.errors import BlockNotFoundError, CorruptBlockError
from dwcp.storage import MemoryBackend, Store
from dwcp.storage.packs import StoredKind
from dwcp.storage.trees.ahead import THREADS, chunks_ahead


@pytest.fixture(params=[True, False], ids=["far", "near"])
def pool(request: pytest.FixtureRequest) -> Iterator[ThreadPoolExecutor | None]:
    with ThreadPoolExecutor(THREADS) as made:
        yield made if request.param else None


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.create(MemoryBackend()) as made:
        yield made


def parts_of(store: Store, count: int) -> list[FilePart]:
    plains = [random.Random(number).randbytes(1000 + number) for number in range(count)]
    return [FilePart(len(plain), store.put_block(plain, StoredKind.CHUNK)) for plain in plains]


def test_content_comes_in_order_with_zeros_between(store: Store, pool: ThreadPoolExecutor | None) -> None:
    parts: list[FilePart | ZeroRun] = list(parts_of(store, 50))
    parts[7:7] = [ZeroRun(1 << 20)]
    found = list(chunks_ahead(store, parts, pool))
    assert [part for part, _ in found] == parts
    assert found[7] == (ZeroRun(1 << 20), b"")
    assert all(store.get_block(part.id) == chunk for part, chunk in found if isinstance(part, FilePart))


def test_several_are_read_at_once_and_not_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, together, asked = parts_of(store, 100), threading.Barrier(THREADS, timeout=20), []
    real = store.get_block

    def read(block_id: bytes) -> bytes:
        asked.append(block_id)
        if len(asked) <= THREADS:
            together.wait()
        return real(block_id)

    monkeypatch.setattr(store, "get_block", read)
    with ThreadPoolExecutor(THREADS) as pool:
        reading = chunks_ahead(store, parts, pool)
        next(reading)
        assert len(asked) < 20
        reading.close()


def test_a_fault_comes_after_what_is_sound_before_it(store: Store, pool: ThreadPoolExecutor | None) -> None:
    parts = parts_of(store, 12)
    for wrong, error in (
        (FilePart(1001, bytes(32)), BlockNotFoundError),
        (FilePart(999, parts[3].id), CorruptBlockError),
    ):
        reading = chunks_ahead(store, [*parts[:5], wrong, *parts[5:]], pool)
        assert [next(reading)[0] for _ in range(5)] == parts[:5]
        with pytest.raises(error):
            next(reading)
