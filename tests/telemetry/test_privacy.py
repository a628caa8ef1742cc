import multiprocessing
import stat
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError, StorageError
from dwcp.telemetry import IdentifierHasher, key_from_text, load_or_create_key

KEY = bytes(range(32))


@given(st.text(), st.sampled_from(["node", "block"]))
def test_a_hash_is_keyed_blake3(identifier: str, namespace: str) -> None:
    plain = f"{namespace}\0{identifier}".encode()
    hashed = IdentifierHasher(KEY).hash(identifier, namespace)
    assert hashed == blake3(plain, key=KEY).hexdigest()[:32]
    assert hashed != blake3(plain).hexdigest()[:32]


def test_hashes_depend_on_key_and_namespace() -> None:
    hashes = {
        IdentifierHasher(key).hash(name, namespace)
        for key in (KEY, KEY[::-1])
        for namespace in ("node", "block")
        for name in ("a", "b", "")
    }
    assert len(hashes) == 12


def test_the_key_is_not_shown() -> None:
    assert repr(IdentifierHasher(KEY)) == "IdentifierHasher()"


def test_lone_surrogates_can_be_hashed() -> None:
    assert len(IdentifierHasher(KEY).hash("\ud800", "node")) == 32


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InputError, match="32 bytes"):
        IdentifierHasher(b"short")


def test_key_from_text() -> None:
    assert len(key_from_text("a")) == 32
    assert key_from_text("a") != key_from_text("b")
    with pytest.raises(InputError, match="empty"):
        key_from_text("")


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    key = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path, draw=lambda _: pytest.fail("drawn again")) == key
    assert [file.name for file in path.parent.iterdir()] == ["key"]


def _load(path: Path) -> bytes:
    return load_or_create_key(path)


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        keys = pool.map(_load, [tmp_path / "key"] * 8, chunksize=1)
    assert len(set(keys)) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_the_one_who_comes_second_takes_the_first_ones_key(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def draw_late(count: int) -> bytes:
        load_or_create_key(path, lambda _: KEY)
        return b"x" * count

    assert load_or_create_key(path, draw_late) == KEY


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_or_create_key(path)
    path.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        load_or_create_key(path)


def test_a_cut_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY[:-1])
    path.chmod(0o600)
    with pytest.raises(InputError, match="does not hold a key"):
        load_or_create_key(path)


def test_a_key_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        load_or_create_key(tmp_path / "file" / "key")
