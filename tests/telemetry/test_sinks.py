import errno
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from dwcp.errors import SchemaError, StorageError
from dwcp.telemetry.schema import KINDS, polars_schema
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.sinks import MemorySink, NullSink, ParquetSink
from dwcp.telemetry.sinks import parquet as parquet_sink
from dwcp.telemetry.sinks.conformance import CHECKS, SinkCase

START_S = 1_767_225_600
DAY_S = 86_400


def null_case(folder: Path) -> SinkCase:
    return SinkCase(NullSink(), None)


def memory_case(folder: Path) -> SinkCase:
    sink = MemorySink()
    return SinkCase(sink, sink.rows)


def parquet_case(folder: Path) -> SinkCase:
    sink = ParquetSink(folder / "telemetry")
    return SinkCase(sink, lambda kind: sink.scan(kind).collect().to_dicts())


@pytest.mark.parametrize("make", [null_case, memory_case, parquet_case])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Callable, make: Callable, tmp_path: Path) -> None:
    check(make(tmp_path))


class Forgetful(MemorySink):
    def write(self, kind, rows) -> None:
        super().write(kind, rows[:-1])


class Trusting(MemorySink):
    def write(self, kind, rows) -> None:
        self._rows.setdefault(kind, []).extend(rows)


@pytest.mark.parametrize("faulty", [Forgetful, Trusting])
def test_the_conformance_suite_catches_faulty_sinks(faulty: type[MemorySink]) -> None:
    def caught(check: Callable) -> bool:
        sink = faulty()
        try:
            check(SinkCase(sink, sink.rows))
        except AssertionError:
            return True
        return False

    assert any(caught(check) for check in CHECKS)


def test_the_memory_sink_is_bounded() -> None:
    sink = MemorySink(capacity=3)
    rows = example_rows(KINDS["link"], 5)
    sink.write("link", rows)
    assert sink.rows("link") == rows[2:]


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_files_are_partitioned_by_date_and_kind(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path, token=iter("abcd").__next__)
    sink.write("node", example_rows(KINDS["node"], 2, step_s=DAY_S))
    sink.write("gossip", example_rows(KINDS["gossip"], 2))
    first, second = START_S * 10**9, (START_S + DAY_S) * 10**9
    assert files(tmp_path) == [
        f"date=2026-01-01/kind=gossip/part-{first}-{first + 10**9}-c.parquet",
        f"date=2026-01-01/kind=node/part-{first}-{first}-a.parquet",
        f"date=2026-01-02/kind=node/part-{second}-{second}-b.parquet",
    ]


def test_readers_that_know_nothing_of_the_sink_get_date_and_kind(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    sink.write("node", example_rows(KINDS["node"], 2, step_s=DAY_S))
    (tmp_path / ".incoming" / "part-1-2-x.parquet.draft").write_bytes(b"half")
    table = pl.read_parquet(tmp_path / "**/*.parquet", hive_partitioning=True)
    assert table["kind"].to_list() == ["node", "node"]
    assert [str(date) for date in table["date"].sort()] == ["2026-01-01", "2026-01-02"]


def test_scan_of_an_empty_or_unknown_kind(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    assert sink.scan("link").collect().schema == polars_schema(KINDS["link"])
    with pytest.raises(SchemaError):
        sink.scan("letters")


def test_scan_gives_columns_that_older_files_lack(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    sink.write("gossip", example_rows(KINDS["gossip"], 2))
    (path,) = tmp_path.rglob("part-*.parquet")
    pl.read_parquet(path, hive_partitioning=False).drop("degree").write_parquet(path)
    sink.write("gossip", example_rows(KINDS["gossip"], 1))
    assert sorted(sink.scan("gossip").collect()["degree"].is_null().to_list()) == [False, True, True]


def test_values_of_the_wrong_type_are_refused(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    (row,) = example_rows(KINDS["gossip"], 1)
    for wrong in ({"ttl": "three"}, {"epoch_time": None}, {"ttl": 2**70}):
        with pytest.raises(SchemaError):
            sink.write("gossip", [row | wrong])
    assert files(tmp_path) == []


def full_disk(after: int) -> Callable:
    """Writes half a file, then finds the disk full, from the given file on."""
    calls = []
    write = parquet_sink.write_table

    def failing(table, path: Path) -> None:
        calls.append(path)
        if len(calls) <= after:
            write(table, path)
            return
        path.write_bytes(b"PAR1 half of a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    return failing


@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_nothing_half_written(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = ParquetSink(tmp_path)
    rows = example_rows(KINDS["node"], 3, step_s=DAY_S)
    sink.write("node", rows[:1])
    before = files(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(parquet_sink, "write_table", full_disk(after))
        with pytest.raises(StorageError, match="No space left on device") as caught:
            sink.write("node", rows[1:])
    assert caught.value.retryable
    assert files(tmp_path) == before
    sink.write("node", rows[1:])
    assert sink.scan("node").collect().height == 3


def test_a_rename_that_fails_takes_back_those_before_it(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    (tmp_path / "date=2026-01-02").write_text("in the way")
    with pytest.raises(StorageError):
        sink.write("node", example_rows(KINDS["node"], 2, step_s=DAY_S))
    assert files(tmp_path) == ["date=2026-01-02"]


def test_a_root_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="nothing was kept"):
        ParquetSink(tmp_path / "file").write("node", example_rows(KINDS["node"], 1))


def _write_many(root: Path, node: int) -> None:
    sink = ParquetSink(root)
    rows = example_rows(KINDS["link"], 200, nodes=2)[node::2]
    for start in range(0, 100, 5):
        sink.write("link", rows[start : start + 5])


def test_two_processes_write_at_once_while_one_reads(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, node)) for node in range(2)]
    for writer in writers:
        writer.start()
    sink = ParquetSink(tmp_path)
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        seen.append(sink.scan("link").collect().height)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen == sorted(seen)
    assert all(height % 5 == 0 for height in seen)
    rows = sink.scan("link").sort("epoch_time", "node_id").collect()
    assert rows.equals(
        pl.DataFrame(example_rows(KINDS["link"], 200, nodes=2), schema=rows.schema).sort(
            "epoch_time", "node_id"
        )
    )
    assert not list((tmp_path / ".incoming").iterdir())


@pytest.fixture
def ten_days(tmp_path: Path) -> ParquetSink:
    sink = ParquetSink(tmp_path)
    for row in example_rows(KINDS["node"], 10, step_s=DAY_S):
        sink.write("node", [row])
    sink.write("gossip", example_rows(KINDS["gossip"], 1))
    return sink


def days(sink: ParquetSink) -> list[int]:
    times = sink.scan("node").collect()["timestamp"]
    return [(time - datetime(2026, 1, 1, tzinfo=UTC)).days for time in times]


def test_prune_by_age(ten_days: ParquetSink) -> None:
    pruned = ten_days.prune(now=START_S + 9 * DAY_S, max_age_s=3 * DAY_S)
    assert pruned.files == 7
    assert days(ten_days) == [6, 7, 8, 9]
    assert ten_days.scan("gossip").collect().is_empty()
    assert ten_days.prune(now=START_S + 9 * DAY_S, max_age_s=3 * DAY_S).files == 0


def test_prune_by_size_takes_the_oldest(ten_days: ParquetSink, tmp_path: Path) -> None:
    sizes = [path.stat().st_size for path in sorted(tmp_path.rglob("date=*/kind=node/*.parquet"))]
    pruned = ten_days.prune(now=START_S, max_bytes=sum(sizes[-2:]))
    assert days(ten_days) == [8, 9]
    assert pruned.files == 9
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.parquet")) == sum(sizes[-2:])


def test_prune_without_bounds_keeps_everything(ten_days: ParquetSink) -> None:
    assert ten_days.prune(now=START_S + 10_000 * DAY_S).files == 0
    assert len(days(ten_days)) == 10


def test_prune_clears_drafts_of_crashed_writers_and_leaves_strangers(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    (tmp_path / ".incoming").mkdir()
    draft = tmp_path / ".incoming" / "part-1-2-x.parquet.draft"
    draft.write_bytes(b"half")
    stranger = tmp_path / "date=2026-01-01" / "kind=node" / "part-mine.parquet"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"")
    changed = draft.stat().st_mtime
    assert sink.prune(now=changed + 60, max_age_s=0).files == 0
    assert draft.exists()
    assert sink.prune(now=changed + 2 * DAY_S, max_age_s=0).files == 1
    assert not draft.exists()
    assert stranger.exists()
