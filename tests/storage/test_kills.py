"""Killed before or after any change to backend or index: the store opens, is clean, and lost nothing."""

import os
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dwcp.storage import Backend, FolderBackend, MemoryBackend, Store, StoreSettings
from dwcp.storage.index import Index
from dwcp.storage.sealing.backend import SealedBackend
from dwcp.storage.sealing.keys import StoreKeys

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]
Work = Callable[[Backend], None]
REACHED, DIED = 0, 9


class Killed(Exception):  # noqa: N818 - nothing went wrong
    """The end of a process, as far as it can be played in one."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, mortal: Any) -> list[Any]:
    """Makes changes of the index steps too; holds whose they are."""
    current: list[Any] = []

    def mortally(method: Callable[..., None]) -> Callable[..., None]:
        def stepping(*args: Any, **named: Any) -> None:
            for death in current:
                death.step()
            method(*args, **named)
            for death in current:
                death.step()

        return stepping

    for name in ("add_pack", "forget_packs"):
        monkeypatch.setattr(Index, name, mortally(getattr(Index, name)))
    return current


def raise_killed() -> None:
    raise Killed


def exit_at_once() -> None:
    os._exit(DIED)


class InMemory:
    """Death is an exception, after which nothing is called any more but what frees the lock."""

    def __init__(self, mortal: Any, steps: list[Any], make: Callable[[], Backend]) -> None:
        self._mortal, self._steps, self._make = mortal, steps, make

    def empty(self, _: int) -> Backend:
        return self._make()

    def copy(self, backend: Backend) -> Backend:
        copied = self._make()
        for name in backend.names():
            copied.put(name, backend.get(name))
        return copied

    def run(self, backend: Backend, work: Work, at_step: int) -> bool:
        """Whether the work was done before that step came."""
        kind, mortal_backend = self._mortal
        death = kind(at_step, raise_killed)
        dying = mortal_backend(backend, death)
        self._steps.append(death)
        try:
            work(dying)
        except Killed:
            return False
        finally:
            self._steps.clear()
            if dying.lock is not None:
                dying.lock.release()
        return True


class OnDisk:
    """Death is that of a process: a fork that ends without a word."""

    def __init__(self, mortal: Any, steps: list[Any], folder: Path) -> None:
        self._mortal, self._steps, self._folder = mortal, steps, folder
        self._count = 0

    def empty(self, number: int) -> FolderBackend:
        return FolderBackend(self._folder / f"empty-{number}")

    def copy(self, backend: FolderBackend) -> FolderBackend:
        self._count += 1
        copied = self._folder / f"copy-{self._count}"
        shutil.copytree(backend.path, copied)
        return FolderBackend(copied)

    def run(self, backend: Backend, work: Work, at_step: int) -> bool:
        child = os.fork()
        if child == 0:
            try:
                kind, mortal_backend = self._mortal
                death = kind(at_step, exit_at_once)
                self._steps.append(death)
                work(mortal_backend(backend, death))
                os._exit(REACHED)
            except BaseException:  # noqa: BLE001 - the child must not return
                traceback.print_exc()
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (REACHED, DIED)
        return code == REACHED


def sealed_memory() -> Backend:
    return SealedBackend(MemoryBackend(), StoreKeys(bytes(range(32))))


@pytest.fixture(params=["memory", "sealed", "disk"])
def mortality(request: pytest.FixtureRequest, mortal: Any, steps: list[Any], tmp_path: Path) -> Any:
    if request.param != "disk":
        make = MemoryBackend if request.param == "memory" else sealed_memory
        return InMemory(mortal, steps, make), make()
    return OnDisk(mortal, steps, tmp_path), FolderBackend(tmp_path / "store")


def restored(store: Store, snapshot_id: bytes, folder: Path, facts: Facts) -> dict[bytes, tuple[Any, ...]]:
    store.restore(snapshot_id, folder)
    found = facts(folder / "tree")
    (folder / "tree" / "many").chmod(0o755)
    shutil.rmtree(folder)
    return found


def test_killed_while_putting(
    mortality: Any, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    life, backend = mortality
    first, second = grow(1), grow(2)
    with Store.create(backend, settings) as store:
        acknowledged = store.put(first, 1)
    told, told_of = facts(first), facts(second)

    def work(dying: Backend) -> None:
        with Store.open(dying) as store:
            store.put(second, 2)

    for at_step in range(1, 200):
        fresh = life.copy(backend)
        done = life.run(fresh, work, at_step)
        with Store.open(fresh) as store:
            assert store.verify().is_clean
            snapshots = [snapshot.id for snapshot in store.snapshots()]
            assert acknowledged in snapshots
            assert restored(store, acknowledged, tmp_path / "to", facts) == told
            for other in set(snapshots) - {acknowledged}:
                assert restored(store, other, tmp_path / "to", facts) == told_of
            if done:
                assert len(snapshots) == 2
                assert at_step > 12
                return
            again = store.put(second, 2)
            assert restored(store, again, tmp_path / "to", facts) == told_of
            assert store.verify().is_clean
    raise AssertionError("it never came to an end")


@pytest.mark.slow
def test_killed_while_collecting(
    mortality: Any, settings: StoreSettings, small_packs: int, grow: Grow, facts: Facts, tmp_path: Path
) -> None:
    life, backend = mortality
    source, other = grow(3), grow(4)
    with Store.create(backend, settings) as store:
        old = store.put(source, 1)
        (source / "random").unlink()
        (source / "text").unlink()
        kept = [store.put(source, 2), store.put(other, 3)]
        store.forget(old)
    told = [facts(source), facts(other)]
    least = life.copy(backend)
    with Store.open(least) as store:
        assert store.collect().moved_blocks > 0
        least_bytes = store.stats().stored_bytes

    def work(dying: Backend) -> None:
        with Store.open(dying) as store:
            store.collect()

    for at_step in range(1, 200):
        fresh = life.copy(backend)
        done = life.run(fresh, work, at_step)
        with Store.open(fresh) as store:
            assert store.verify().is_clean
            assert [snapshot.id for snapshot in store.snapshots()] == kept
            assert [restored(store, each, tmp_path / "to", facts) for each in kept] == told
            if done:
                assert at_step > 10
                return
            store.collect()
            assert store.verify().is_clean
            assert store.stats().stored_bytes <= 1.1 * least_bytes
            assert [restored(store, each, tmp_path / "to", facts) for each in kept] == told
    raise AssertionError("it never came to an end")


def test_killed_while_making_or_forgetting(mortality: Any, settings: StoreSettings, grow: Grow) -> None:
    life, _ = mortality
    source = grow(5)

    def work(dying: Backend) -> None:
        with Store.create(dying, settings) as store:
            store.forget(store.put(source, 1))

    for at_step in range(1, 50):
        fresh = life.empty(at_step)
        done = life.run(fresh, work, at_step)
        if "config" not in fresh.names():
            Store.create(fresh, settings).close()
        with Store.open(fresh) as store:
            assert store.verify().is_clean
            assert len(store.snapshots()) <= 1
            store.put(source, 2)
            store.rebuild_index()
            assert store.verify().is_clean
        if done:
            assert at_step > 6
            return
    raise AssertionError("it never came to an end")
