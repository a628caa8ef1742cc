"""Trees to keep and their comparison, small packs, and a backend whose process dies on cue."""

import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.blocks import Chunking
from dwcp.codecs import Buffer
from dwcp.storage import Backend, FolderBackend, MemoryBackend, StoreSettings, WriterLock
from dwcp.storage.sealing.backend import SealedBackend
from dwcp.storage.sealing.keys import StoreKeys

Facts = dict[bytes, tuple[Any, ...]]
SMALL = StoreSettings(Chunking(512, 1024, 4096))


@pytest.fixture
def settings() -> StoreSettings:
    """Chunks of about 1 KiB."""
    return SMALL


@pytest.fixture
def small_packs(monkeypatch: pytest.MonkeyPatch) -> int:
    """Packs are closed at 16 KiB."""
    size_bytes = 16 * 1024
    for module in ("packs.writer", "collection"):
        monkeypatch.setattr(f"dwcp.storage.{module}.PACK_BYTES", size_bytes)
    return size_bytes


@pytest.fixture(autouse=True)
def _caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(params=["memory", "folder", "sealed"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "folder":
        return FolderBackend(tmp_path / "store")
    memory = MemoryBackend()
    return memory if request.param == "memory" else SealedBackend(memory, StoreKeys(bytes(range(32))))


def _grow(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder.mkdir()
    (folder / "empty").touch()
    (folder / "one byte").write_bytes(b"x")
    (folder / "text").write_bytes(b"".join(b"line %d of the text\n" % rng.randrange(99) for _ in range(900)))
    (folder / "random").write_bytes(rng.randbytes(30_000))
    (folder / os.fsdecode(b"not \xff utf-8")).write_bytes(rng.randbytes(100))
    with (folder / "sparse").open("wb") as file:
        file.write(rng.randbytes(5000))
        file.seek(3 * 1024 * 1024)
        file.write(b"after the hole")
        file.truncate(6 * 1024 * 1024)
    deep = folder / "deep"
    for number in range(6):
        deep.mkdir()
        (deep / f"file {number}").write_bytes(rng.randbytes(700))
        deep = deep / "deeper"
    many = folder / "many"
    many.mkdir()
    for number in range(60):
        (many / f"{number:03}").write_bytes(b"%d" % (number * seed))
    (folder / "no files").mkdir(mode=0o711)
    (folder / "link").symlink_to("../../outside/of it")
    (folder / "broken").symlink_to("nowhere")
    (folder / "text").chmod(0o640)
    (folder / "random").chmod(0o4755)
    os.utime(folder / "text", ns=(1, 1_234_567_890_123_456_789))
    os.utime(folder / "random", ns=(1, -5_000_000_001))
    os.utime(folder / "link", ns=(1, 77_000_000_007), follow_symlinks=False)
    os.utime(folder / "no files", ns=(1, 99_000_000_009))
    (folder / "many").chmod(0o555)


@pytest.fixture
def grow(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes a folder with something of everything; the seed says what is in it."""

    def grown(seed: int) -> Path:
        folder = tmp_path_factory.mktemp("source") / "tree"
        _grow(folder, seed)
        return folder

    return grown


def _facts(top: Path) -> Facts:
    found: Facts = {}
    for folder, folders, files in os.walk(top):
        for path in (Path(folder, name) for name in ["", *folders, *files]):
            status = path.lstat()
            what: object = None
            if stat.S_ISREG(status.st_mode):
                what = path.read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                what = path.readlink()
            mode = None if stat.S_ISLNK(status.st_mode) else status.st_mode
            found[os.fsencode(path.relative_to(top))] = (mode, status.st_mtime_ns, what)
    return found


@pytest.fixture(scope="session")
def facts() -> Callable[[Path], Facts]:
    """All that must be equal of a folder and of what it was restored to."""
    return _facts


class Death:
    """Counts steps, and ends everything at one of them."""

    def __init__(self, at_step: int, end: Callable[[], None]) -> None:
        self.count = 0
        self._at_step = at_step
        self._end = end

    def step(self) -> None:
        self.count += 1
        if self.count >= self._at_step:
            self._end()


class MortalBackend:
    """Another backend, with a step before and after each change."""

    def __init__(self, inner: Backend, death: Death) -> None:
        self._inner = inner
        self._death = death
        self.local_folder = inner.local_folder
        self.shown = inner.shown
        self.is_index_shared = inner.is_index_shared
        self.is_far = inner.is_far
        self.lock: WriterLock | None = None

    def put(self, name: str, data: Buffer) -> None:
        self._death.step()
        self._inner.put(name, data)
        self._death.step()

    def remove(self, name: str) -> None:
        self._death.step()
        self._inner.remove(name)
        self._death.step()

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._inner.get(name, offset, length)

    def size(self, name: str) -> int:
        return self._inner.size(name)

    def names(self, prefix: str = "") -> list[str]:
        return self._inner.names(prefix)

    def lock_writer(self) -> WriterLock:
        self.lock = self._inner.lock_writer()
        return self.lock


@pytest.fixture(scope="session")
def mortal() -> tuple[type[Death], type[MortalBackend]]:
    return Death, MortalBackend
