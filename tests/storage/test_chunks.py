"""Putting with and without an index of similar blocks: what is kept, that it comes back, and who is asked."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.codecs import Reference, plaintext_id
from dwcp.errors import StorageError
from dwcp.serving import Hint, Reason
from dwcp.storage import Backend, FolderBackend, MemoryBackend, StorageHints, Store, StoredKind, StoreSettings
from dwcp.storage.chunks import ChunkWriter
from dwcp.storage.packs import pack_object
from dwcp.tasks.dedup.contract import Action, Candidate, Context, Outcome

RNG = random.Random(8)
TEXT = b"".join(b"%d words of a line, and then %d\n" % (RNG.randrange(9**9), n) for n in range(400))
EDITED = TEXT[:5000] + b"this is new" + TEXT[5000:]


class Everything:
    """An index that finds whatever was added last; sketches are the blocks themselves."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[int, bytes]] = {}
        self.asked_after: list[bytes] = []
        self.saved = 0

    def sketch(self, plain: Any) -> Any | None:
        return bytes(plain)

    def find(self, _of: Any, after: bytes) -> tuple[Candidate, ...]:
        self.asked_after.append(after)
        found = [Candidate(one, size, 12, 16) for one, (size, base) in self.known.items() if not base]
        return tuple(found[::-1][:4])

    def add(self, block_id: bytes, of: Any, size_bytes: int, base: bytes) -> None:
        assert plaintext_id(of) == block_id
        self.known[block_id] = size_bytes, base

    def save(self) -> None:
        self.saved += 1


class Advisor:
    """Says what it was told to say, and remembers what came of it."""

    def __init__(self, action: Any = None) -> None:
        self.action = action
        self.seen: list[tuple[Context, Action, Outcome]] = []

    def ask(self, task_name: str, _context: Any) -> Hint[Any]:
        return Hint(self.action if task_name == "dedup" else None, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        if task_name == "dedup":
            self.seen.append((context, action, outcome))


def put_files(store: Store, folder: Path, **files: bytes) -> bytes:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return store.put(folder, 1)


def entry_of(store: Store, plain: bytes):
    entry = store.entry_of(plaintext_id(plain))
    assert entry is not None
    return entry


def test_an_edited_file_is_kept_as_a_delta_and_comes_back(backend: Backend, tmp_path: Path) -> None:
    advisor, similar = Advisor(), Everything()
    with Store.create(backend) as store:
        store.hints = StorageHints(advisor, similar)
        put_files(store, tmp_path / "old", file=TEXT)
        new_id = put_files(store, tmp_path / "new", file=EDITED)
    with Store.open(backend, is_writer=False) as store:
        entry = entry_of(store, EDITED)
        assert (entry.base, entry.codec) == (plaintext_id(TEXT), "delta-3")
        assert entry.stored_bytes < 200
        store.restore(new_id, tmp_path / "back")
        assert store.verify().is_clean
    assert (tmp_path / "back" / "new" / "file").read_bytes() == EDITED
    assert similar.known[plaintext_id(EDITED)] == (len(EDITED), plaintext_id(TEXT))
    assert similar.saved == 2
    [(context, action, outcome)] = advisor.seen
    assert (context.block_id, context.size_bytes) == (plaintext_id(EDITED), len(EDITED))
    assert action == Action((plaintext_id(TEXT),))
    assert (outcome.alone_bytes, outcome.tried, outcome.useless) == (context.alone_bytes, 1, 0)
    assert outcome.delta_bytes == entry.stored_bytes


def test_a_delta_that_saves_too_little_is_not_kept(tmp_path: Path) -> None:
    half = len(TEXT) // 5
    other = TEXT[:half] + bytes(b ^ 0x15 for b in RNG.randbytes(len(TEXT) - half)).hex().encode()[: 4 * half]
    advisor = Advisor()
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(advisor, Everything())
        put_files(store, tmp_path / "tree", a=TEXT, b=other, c=RNG.randbytes(9000))
        assert [entry_of(store, plain).base for plain in (TEXT, other)] == [b"", b""]
    assert [outcome.useless for _, _, outcome in advisor.seen] == [0, 2]
    assert advisor.seen[0][2].tried == 1


def test_an_advisor_may_say_no_and_is_not_believed_when_it_makes_no_sense(tmp_path: Path) -> None:
    for number, (action, is_delta) in enumerate(
        [(Action(), False), (Action((b"?" * 32,)), True), ("nonsense", True), (None, True)]
    ):
        with Store.create(MemoryBackend()) as store:
            store.hints = StorageHints(Advisor(action), Everything())
            put_files(store, tmp_path / str(number), a=TEXT, b=EDITED)
            assert bool(entry_of(store, EDITED).base) is is_delta


def test_with_learning_off_nobody_is_asked(tmp_path: Path) -> None:
    advisor = Advisor(Action())
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(advisor, Everything(), enable_ml=False)
        put_files(store, tmp_path / "tree", a=TEXT, b=EDITED)
        assert entry_of(store, EDITED).base
    assert advisor.seen == []


def test_candidates_that_are_gone_deltas_or_damaged_are_not_used(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    similar = Everything()
    with Store.create(backend) as store:
        store.hints = StorageHints(Advisor(), similar)
        put_files(store, tmp_path / "old", a=TEXT, b=EDITED)
    similar.known = {plaintext_id(EDITED): (1, b""), b"?" * 32: (1, b"")}
    with Store.open(backend) as store:
        store.hints = StorageHints(None, similar)
        put_files(store, tmp_path / "new", a=EDITED + b"more")
        assert entry_of(store, EDITED + b"more").base == b""
    similar.known = {plaintext_id(TEXT): (1, b"")}
    with Store.open(backend) as store:
        _damage(store, TEXT)
        store.hints = StorageHints(None, similar)
        put_files(store, tmp_path / "newer", a=EDITED + b"yet more")
        assert entry_of(store, EDITED + b"yet more").base == b""


def _damage(store: Store, plain: bytes) -> None:
    found = store.index.find(plaintext_id(plain))
    assert found is not None
    name = pack_object(found.pack_id)
    damaged = bytearray(store.backend.get(name))
    damaged[found.entry.offset + 60] ^= 1
    store.backend.put(name, damaged)


def test_what_is_kept_does_not_depend_on_the_pool(
    grow: Callable[[int], Path], settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = grow(3)
    packs = []
    for batch_bytes, ahead_bytes, least_bytes in (
        (1, 0, 0),
        (1, 1, 1),
        (3000, 20_000, 900),
        (1 << 20, 1 << 30, 0),
        (1 << 20, 1 << 30, 1 << 20),
    ):
        monkeypatch.setattr("dwcp.storage.chunks._LEAST_MEAN_BYTES", least_bytes)
        monkeypatch.setattr("dwcp.storage.chunks._BATCH_BYTES", batch_bytes)
        monkeypatch.setattr("dwcp.storage.chunks._AHEAD_BYTES", ahead_bytes)
        with Store.create(MemoryBackend(), settings) as store:
            store.hints = StorageHints(None, Everything())
            root = store.put(tree, 1)
            rows = [store.index.entries_in(pack) for pack in sorted(store.packs())]
            packs.append(
                (root, sorted((entry.id, entry.base, entry.stored_bytes) for row in rows for entry in row))
            )
    assert packs.count(packs[0]) == len(packs)


def test_a_chunk_that_comes_twice_is_kept_once_and_what_came_before_is_known() -> None:
    similar = Everything()
    chunks = [RNG.randbytes(1000) for _ in range(3)]
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(None, similar)
        with ChunkWriter(store) as writer:
            for chunk in (chunks[0], chunks[1], chunks[0], chunks[2], chunks[2]):
                writer.put(chunk, plaintext_id(chunk))
        assert all(store.get_block(plaintext_id(chunk)) == chunk for chunk in chunks)
    assert similar.asked_after == [b"", plaintext_id(chunks[0]), plaintext_id(chunks[0])]


def test_short_chunks_are_not_looked_at() -> None:
    similar = Everything()
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(None, similar)
        with ChunkWriter(store) as writer:
            writer.put(bytes(511), plaintext_id(bytes(511)))
        assert store.has(plaintext_id(bytes(511)))
    assert similar.known == {}


def test_an_error_ends_it_and_nothing_more_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(error: BaseException | None) -> None:
        with ChunkWriter(store) as writer:
            writer.put(TEXT, plaintext_id(TEXT))
            if error is not None:
                raise error

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    with Store.create(MemoryBackend()) as store:
        with pytest.raises(KeyboardInterrupt):
            put(KeyboardInterrupt())
        assert not store.has(plaintext_id(TEXT))
        monkeypatch.setattr(store, "put_encoded", full)
        with pytest.raises(StorageError, match="full"):
            put(None)


def test_a_base_is_there_whole_and_sound() -> None:
    with Store.create(MemoryBackend()) as store:
        base_id = store.put_block(TEXT, StoredKind.CHUNK)
        delta_id = store.put_delta(EDITED, base_id)
        assert store.base_for(base_id) == Reference(base_id, TEXT)
        assert store.base_for(delta_id) is None
        assert store.base_for(bytes(32)) is None
