"""Blocks: kept once, compressed where it pays, checked when they are read, there after a flush."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs import plaintext_id
from dwcp.errors import (
    BlockNotFoundError,
    CorruptBlockError,
    InputError,
    StoreError,
    StoreLockedError,
)
from dwcp.storage import Backend, FolderBackend, MemoryBackend, Store, StoredKind

TEXT = b"".join(b"line %d\n" % number for number in range(500))
NOISE = random.Random(7).randbytes(5000)


def test_what_was_put_is_there_before_and_after_a_flush(backend: Backend) -> None:
    with Store.create(backend) as store:
        ids = [store.put_block(plain, StoredKind.CHUNK) for plain in (TEXT, NOISE, b"")]
        assert ids == [plaintext_id(plain) for plain in (TEXT, NOISE, b"")]
        assert [store.get_block(block_id) for block_id in ids] == [TEXT, NOISE, b""]
        store.flush()
        assert [store.get_block(block_id) for block_id in ids] == [TEXT, NOISE, b""]
    with Store.open(backend) as store:
        assert [store.get_block(block_id) for block_id in ids] == [TEXT, NOISE, b""]


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_any_blocks_come_back(plains: list[bytes]) -> None:
    backend = MemoryBackend()
    with Store.create(backend) as store:
        ids = [store.put_block(plain, StoredKind.CHUNK) for plain in plains]
        store.rebuild_index()
        assert [store.get_block(block_id) for block_id in ids] == plains
    with Store.open(backend) as store:
        assert [store.get_block(block_id) for block_id in ids] == plains
        assert store.verify().is_clean


def test_a_block_is_kept_once(backend: Backend) -> None:
    with Store.create(backend) as store:
        for _ in range(2):
            assert store.put_block(NOISE, StoredKind.CHUNK) == plaintext_id(NOISE)
        store.flush()
        store.put_block(NOISE, StoredKind.CHUNK)
        store.flush()
        assert (store.stats().chunk_count, store.stats().pack_count) == (1, 1)


def test_compression_is_kept_where_it_pays(backend: Backend) -> None:
    with Store.create(backend) as store:
        text, noise = (store.put_block(plain, StoredKind.CHUNK) for plain in (TEXT, NOISE))
        entries = [store.entry_of(block_id) for block_id in (text, noise)]
        assert [entry.codec for entry in entries if entry] == ["zstd-3", "none"]
        assert entries[0] is not None
        assert entries[0].stored_bytes < 0.9 * len(TEXT)


def test_another_codec_gives_the_same_ids(backend: Backend) -> None:
    with Store.create(backend, codec="lz4") as store:
        block_id = store.put_block(TEXT, StoredKind.CHUNK)
        entry = store.entry_of(block_id)
        assert entry is not None
        assert (entry.codec, entry.id) == ("lz4", plaintext_id(TEXT))
    with Store.open(backend) as store:
        assert store.put_block(TEXT, StoredKind.CHUNK) == block_id
        assert store.stats().chunk_count == 1


@pytest.mark.parametrize("codec", ["delta-3", "bzip2"])
def test_a_codec_that_cannot_be_used_is_refused(codec: str) -> None:
    backend = MemoryBackend()
    with pytest.raises(InputError):
        Store.create(backend, codec=codec)
    Store.open(backend).close()


def test_packs_are_closed_when_they_are_full(backend: Backend, small_packs: int) -> None:
    rng = random.Random(1)
    with Store.create(backend) as store:
        for _ in range(40):
            store.put_block(rng.randbytes(4000), StoredKind.CHUNK)
        store.flush()
        sizes = [backend.size(name) for name in backend.names("packs")]
        assert len(sizes) == 8
        assert max(sizes) < small_packs + 5000


def test_what_was_not_flushed_is_lost_and_nothing_else(backend: Backend) -> None:
    store = Store.create(backend)
    kept = store.put_block(TEXT, StoredKind.CHUNK)
    store.flush()
    lost = store.put_block(NOISE, StoredKind.CHUNK)
    store.close()
    with Store.open(backend) as again:
        assert (again.has(kept), again.has(lost)) == (True, False)
        with pytest.raises(BlockNotFoundError, match=lost.hex()):
            again.get_block(lost)


def test_a_flush_that_failed_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryBackend()
    with Store.create(backend) as store:
        block_id = store.put_block(TEXT, StoredKind.CHUNK)
        with monkeypatch.context() as patched:
            patched.setattr(backend, "put", lambda *_: (_ for _ in ()).throw(OSError("full")))
            with pytest.raises(OSError, match="full"):
                store.flush()
        assert store.get_block(block_id) == TEXT
    with Store.open(backend) as store:
        assert store.get_block(block_id) == TEXT


def test_a_block_too_long_is_refused() -> None:
    with Store.create(MemoryBackend()) as store, pytest.raises(InputError, match="at most"):
        store.put_block(bytes(8 * 1024 * 1024 + 1), StoredKind.CHUNK)


def test_one_writer_and_any_number_of_readers(backend: Backend) -> None:
    with Store.create(backend) as writer:
        block_id = writer.put_block(TEXT, StoredKind.CHUNK)
        writer.flush()
        with pytest.raises(StoreLockedError):
            Store.open(backend)
        with Store.open(backend, is_writer=False) as one, Store.open(backend, is_writer=False) as other:
            assert one.get_block(block_id) == other.get_block(block_id) == TEXT
            for write in (
                lambda: one.put_block(b"x", StoredKind.CHUNK),
                lambda: one.put_delta(b"x", block_id),
                one.collect,
                one.rebuild_index,
                lambda: one.forget(bytes(32)),
                lambda: one.put(Path(), 0),
            ):
                with pytest.raises(StoreError, match="read alone"):
                    write()
    Store.open(backend).close()


def test_a_reader_sees_what_is_written_later_and_moved(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    with Store.create(backend) as writer, Store.open(backend, is_writer=False) as reader:
        block_id = writer.put_block(TEXT, StoredKind.CHUNK)
        writer.flush()
        assert reader.get_block(block_id) == TEXT


def test_no_store_and_two_stores_are_refused(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    with pytest.raises(StoreError, match="there is no store in"):
        Store.open(backend)
    assert not (tmp_path / "store").exists()
    Store.create(backend).close()
    with pytest.raises(StoreError, match="holds a store"):
        Store.create(backend)


def test_a_pack_that_is_not_indexed_is_found_at_opening(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    with Store.create(backend) as store:
        block_id = store.put_block(TEXT, StoredKind.CHUNK)
    for file in (tmp_path / "store").glob("index.sqlite*"):
        file.unlink()
    for is_writer in (False, True):
        with Store.open(backend, is_writer=is_writer) as store:
            assert store.get_block(block_id) == TEXT
            assert store.verify().is_clean


@pytest.mark.parametrize("is_writer", [False, True])
def test_an_index_that_is_no_index_is_built_again(tmp_path: Path, is_writer: bool) -> None:
    backend = FolderBackend(tmp_path / "store")
    with Store.create(backend) as store:
        block_id = store.put_block(TEXT, StoredKind.CHUNK)
    (tmp_path / "store" / "index.sqlite").write_bytes(b"no database" * 1000)
    with Store.open(backend, is_writer=is_writer) as store:
        assert store.get_block(block_id) == TEXT
        assert store.verify().is_clean


def test_a_lost_pack_is_said_and_its_blocks_can_be_put_again(backend: Backend) -> None:
    with Store.create(backend) as store:
        block_id = store.put_block(TEXT, StoredKind.CHUNK)
        store.flush()
        [name] = backend.names("packs")
        backend.remove(name)
        with pytest.raises(BlockNotFoundError, match=f"its pack {name} is gone"):
            store.get_block(block_id)
        assert not store.verify().is_clean
    with Store.open(backend) as store:
        assert not store.has(block_id)
        store.put_block(TEXT, StoredKind.CHUNK)
        store.flush()
        assert store.get_block(block_id) == TEXT
        assert store.verify().is_clean


def test_damage_is_found_when_a_block_is_read(backend: Backend) -> None:
    with Store.create(backend) as store:
        block_id = store.put_block(NOISE, StoredKind.CHUNK)
        store.flush()
        [name] = backend.names("packs")
        data = bytearray(backend.get(name))
        data[1000] ^= 4
        backend.put(name, data)
        with pytest.raises(CorruptBlockError, match=block_id.hex()):
            store.get_block(block_id)


def test_no_heavy_library_is_loaded() -> None:
    script = "import sys, dwcp.storage; print(*(m for m in sys.argv[1:] if m in sys.modules))"
    heavy = [
        "numpy",
        "onnxruntime",
        "polars",
        "pyarrow",
        "torch",
        "pydantic",
        "dwcp.transfer",
        "dwcp.serving",
    ]
    done = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
