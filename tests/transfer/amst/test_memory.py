import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import StorageError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.amst import PathMemory, PathRecord
from dwcp.transfer.amst.memory import _NOT_OURS, _parsed

NOW = 1_800_000_000.0
DAY_S = 86_400.0


def _record(epoch_s: float = NOW, streams: int = 7) -> PathRecord:
    return PathRecord(93.5, 81.25, 0.011, streams, epoch_s)


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    PathMemory(tmp_path / "state").remember("host:7070", _record(), NOW)
    found = PathMemory(tmp_path / "state").recall("host:7070", NOW + 60)
    assert found == _record()
    assert found.link == Link(93.5, 81.25, 0.0, 0.011)
    assert PathMemory(tmp_path / "state").recall("other:7070", NOW) is None


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert PathMemory(tmp_path / "none").recall("host:7070", NOW) is None
    assert not (tmp_path / "none").exists()


def test_the_last_record_counts(tmp_path: Path) -> None:
    memory = PathMemory(tmp_path)
    memory.remember("host:7070", _record(streams=2), NOW)
    memory.remember("host:7070", _record(streams=9), NOW)
    found = memory.recall("host:7070", NOW)
    assert found is not None
    assert found.streams == 9


@pytest.mark.parametrize(("age_s", "kept"), [(6.9 * DAY_S, True), (7 * DAY_S, False), (-DAY_S, True)])
def test_a_week_is_remembered(tmp_path: Path, age_s: float, kept: bool) -> None:
    memory = PathMemory(tmp_path)
    memory.remember("host:7070", _record(), NOW)
    assert (memory.recall("host:7070", NOW + age_s) is not None) == kept


def test_a_record_of_the_far_future_is_forgotten_too(tmp_path: Path) -> None:
    memory = PathMemory(tmp_path)
    memory.remember("host:7070", _record(NOW + 30 * DAY_S), NOW)
    assert memory.recall("host:7070", NOW) is None


def test_old_records_leave_the_file(tmp_path: Path) -> None:
    memory = PathMemory(tmp_path)
    memory.remember("old:1", _record(NOW - 8 * DAY_S), NOW - 8 * DAY_S)
    memory.remember("new:1", _record(), NOW)
    assert list(json.loads((tmp_path / "paths.json").read_text())["paths"]) == ["new:1"]


def test_a_thousand_paths_are_kept(tmp_path: Path) -> None:
    memory = PathMemory(tmp_path)
    paths = {f"host-{number}:1": _record(NOW - 2000 + number) for number in range(1000)}
    memory._write({name: vars_of(record) for name, record in paths.items()})
    memory.remember("newest:1", _record(), NOW)
    assert len(json.loads((tmp_path / "paths.json").read_text())["paths"]) == 1000
    assert memory.recall("host-0:1", NOW) is None
    assert memory.recall("host-1:1", NOW) is not None
    assert memory.recall("newest:1", NOW) is not None


def vars_of(record: PathRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in PathRecord.__struct_fields__}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not JSON",
        "[]",
        "null",
        '{"format": 2, "paths": {}}',
        '{"format": 1}',
        '{"format": 1, "paths": [1]}',
        '{"format": 1, "paths": {"a:1": {"streams": 1}}}',
        '{"format": 1, "paths": {"a:1": {"bandwidth_mbps": NaN, "rtt_ms": 1, "packet_loss": 0, "streams": 1, '
        '"epoch_s": 1}}}',
        '{"format": 1, "paths": {"a:1": {"bandwidth_mbps": 1, "rtt_ms": "1", "packet_loss": 0, "streams": 1, '
        '"epoch_s": 1}}}',
        '{"format": 1, "paths": {"a:1": {"bandwidth_mbps": 1, "rtt_ms": 1, "packet_loss": 2, "streams": 1, '
        '"epoch_s": 1}}}',
        '{"format": 1, "paths": {"a:1": {"bandwidth_mbps": 1, "rtt_ms": 1, "packet_loss": 0, "streams": 0, '
        '"epoch_s": 1}}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_broken_file_is_set_aside(tmp_path: Path, content: str) -> None:
    file = tmp_path / "paths.json"
    file.write_text(content, encoding="utf-8", errors="surrogateescape")
    memory = PathMemory(tmp_path)
    assert memory.recall("a:1", NOW) is None
    assert (tmp_path / "paths.json.broken").read_bytes() == os.fsencode(content)
    memory.remember("a:1", _record(), NOW)
    assert memory.recall("a:1", NOW) == _record()


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_whatever_is_in_the_file_is_understood_or_refused(content: bytes) -> None:
    with suppress(*_NOT_OURS):
        assert isinstance(_parsed(content), dict)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    PathMemory(tmp_path / "state").remember("host:7070", _record(), NOW)
    for path in (tmp_path / "state", tmp_path / "state" / "paths.json"):
        assert path.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [".paths.lock", "paths.json"]


def test_transfers_that_end_at_once_lose_nothing(tmp_path: Path) -> None:
    def remember(number: int) -> None:
        PathMemory(tmp_path).remember(f"host-{number}:1", _record(), NOW)

    threads = [threading.Thread(target=remember, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(PathMemory(tmp_path).recall(f"host-{number}:1", NOW) for number in range(8))


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be locked"):
        PathMemory(tmp_path / "file").remember("host:7070", _record(), NOW)
    with pytest.raises(StorageError, match="cannot be read"):
        PathMemory(tmp_path / "file").recall("host:7070", NOW)


def test_a_write_that_fails_leaves_what_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = PathMemory(tmp_path)
    memory.remember("host:7070", _record(), NOW)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        memory.remember("host:7070", _record(streams=1), NOW)
    assert memory.recall("host:7070", NOW) == _record()
    assert not list(tmp_path.glob(".paths.*.json"))
