"""A snapshot is found by what people write, and a damaged one does not hide the others."""

from pathlib import Path

import pytest

from dwcp.errors import CorruptBlockError, DwcpError, InputError
from dwcp.storage import LATEST, MemoryBackend, Store
from dwcp.storage.snapshots import find_snapshot, read_snapshots, snapshot_object


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def ids(backend: MemoryBackend, tmp_path: Path) -> list[bytes]:
    """Of forty snapshots, the oldest first."""
    (tmp_path / "file").write_bytes(b"content")
    with Store.create(backend) as store:
        return [store.put(tmp_path / "file", time_ns) for time_ns in range(40)]


def test_by_how_the_id_begins(backend: MemoryBackend, ids: list[bytes]) -> None:
    for snapshot_id in ids:
        assert find_snapshot(backend, snapshot_id.hex()) == snapshot_id
        assert find_snapshot(backend, snapshot_id.hex()[:12].upper()) == snapshot_id


def test_the_latest(backend: MemoryBackend, ids: list[bytes]) -> None:
    assert find_snapshot(backend, LATEST) == ids[-1]
    with Store.open(backend) as store:
        assert store.find(LATEST) == ids[-1]
        store.forget(ids[-1])
        assert store.find(LATEST) == ids[-2]


def test_none_and_several(backend: MemoryBackend, ids: list[bytes]) -> None:
    for text in ("", "x", "late", ids[0].hex() + "0", "*"):
        with pytest.raises(InputError, match="no snapshot in memory begins with"):
            find_snapshot(backend, text)
    digits = [snapshot_id.hex()[0] for snapshot_id in ids]
    digit = max(digits, key=digits.count)
    with pytest.raises(InputError, match=f"{digits.count(digit)} snapshots begin with '{digit}'"):
        find_snapshot(backend, digit)


def test_nothing_is_the_latest_of_none(backend: MemoryBackend) -> None:
    Store.create(backend).close()
    with pytest.raises(InputError, match="there is no snapshot in memory yet"):
        find_snapshot(backend, LATEST)


def test_a_damaged_one(backend: MemoryBackend, ids: list[bytes]) -> None:
    backend.put(snapshot_object(ids[3]), b"damaged")
    told: dict[bytes, DwcpError] = {}
    assert [each.id for each in read_snapshots(backend, told.__setitem__)] == ids[:3] + ids[4:]
    assert list(told) == [ids[3]]
    with pytest.raises(CorruptBlockError, match="is damaged"):
        read_snapshots(backend)
    with pytest.raises(CorruptBlockError, match="which is the latest is unknown, give its id instead"):
        find_snapshot(backend, LATEST)
    assert find_snapshot(backend, ids[3].hex()) == ids[3]
