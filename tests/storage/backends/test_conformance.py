"""Both backends hold to the protocol, and the suite finds backends that do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dwcp.codecs import Buffer
from dwcp.storage.backends import Backend, FolderBackend, MemoryBackend
from dwcp.storage.backends.conformance import CHECKS, check_names, check_parts, check_remove, check_replace
from dwcp.storage.sealing.backend import SealedBackend
from dwcp.storage.sealing.keys import StoreKeys


@pytest.mark.parametrize("check", CHECKS)
def test_memory(check: Callable[[Backend], None]) -> None:
    check(MemoryBackend())


@pytest.mark.parametrize("check", CHECKS)
def test_folder(check: Callable[[Backend], None], tmp_path: Path) -> None:
    check(FolderBackend(tmp_path / "not" / "yet"))


@pytest.mark.parametrize("check", CHECKS)
def test_sealed(check: Callable[[Backend], None]) -> None:
    check(SealedBackend(MemoryBackend(), StoreKeys(bytes(range(32)))))


@pytest.mark.parametrize("check", CHECKS)
def test_sealed_in_a_folder(check: Callable[[Backend], None], tmp_path: Path) -> None:
    check(SealedBackend(FolderBackend(tmp_path / "store"), StoreKeys(bytes(32)), tmp_path / "cache"))


class Appends(MemoryBackend):
    def put(self, name: str, data: Buffer) -> None:
        old = self.get(name) if name in self.names() else b""
        super().put(name, old + bytes(data))


class IgnoresLength(MemoryBackend):
    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        return super().get(name, offset, None if length else length)


class KeepsAll(MemoryBackend):
    def remove(self, name: str) -> None:
        pass


class Unsorted(MemoryBackend):
    def names(self, prefix: str = "") -> list[str]:
        return super().names(prefix)[::-1]


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (check_replace, Appends),
        (check_parts, IgnoresLength),
        (check_remove, KeepsAll),
        (check_names, Unsorted),
    ],
)
def test_a_wrong_backend_is_found(check: Callable[[Backend], None], wrong: type[MemoryBackend]) -> None:
    with pytest.raises(AssertionError):
        check(wrong())
