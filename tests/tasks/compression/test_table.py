import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from compression_cases import FACTS, PLAIN, block
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError, SchemaError, StorageError
from dwcp.tasks.compression import table
from dwcp.tasks.compression.contract import CANDIDATES, Outcome
from dwcp.tasks.compression.examples import iterate_simulated_blocks
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind
from dwcp.tasks.compression.table import read_table, write_table
from dwcp.telemetry.parquet_file import TableWriter

OUTCOMES = st.builds(Outcome, st.integers(1, 1 << 50), st.floats(0, 1e9), st.none() | st.floats(0, 1e9))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def blocks(draw: st.DrawFn) -> MeasuredBlock:
    facts = draw(FACTS)
    kind = ReferenceKind.NONE
    if facts.reference is not None:
        kind = draw(st.sampled_from([ReferenceKind.REAL, ReferenceKind.AGED]))
        made_up = replace(facts.reference, made_up=kind is ReferenceKind.AGED)
        facts = replace(facts, reference=made_up)
    usable = CANDIDATES if facts.reference else PLAIN
    return MeasuredBlock(
        draw(NAMES),
        draw(NAMES),
        draw(st.integers(0, 1 << 60)),
        kind,
        facts,
        {action: draw(OUTCOMES) for action in usable if draw(st.booleans())},
        tuple((action.name, draw(st.floats(1e-3, 1e6))) for action in CANDIDATES if draw(st.booleans())),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "measured.parquet"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(blocks(), min_size=1, max_size=4))
def test_what_is_read_is_what_was_written(path: Path, written: list[MeasuredBlock]) -> None:
    assert write_table(written, path) == len(written)
    assert read_table(path) == written


def test_simulated_blocks_come_back(path: Path) -> None:
    written = list(iterate_simulated_blocks(300, np.random.default_rng(3)))
    write_table(written, path)
    assert read_table(path) == written


def test_many_parts_make_one_table_in_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_PART_ROWS", 3)
    written = [block(offset_bytes=number) for number in range(10)]
    assert write_table(iter(written), path) == 10
    assert read_table(path) == written


def test_blocks_are_taken_as_they_come(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_PART_ROWS", 3)
    most, held = 0, 0

    def source() -> Iterator[MeasuredBlock]:
        nonlocal most, held
        for _ in range(30):
            held += 1
            most = max(most, held)
            yield block()

    write = TableWriter.write

    def note(self: TableWriter, written: pa.Table) -> None:
        nonlocal held
        write(self, written)
        held -= len(written)

    monkeypatch.setattr(TableWriter, "write", note)
    assert write_table(source(), path) == 30
    assert (most, held) == (3, 0)


def test_nothing_measured_is_refused_and_leaves_no_file(path: Path) -> None:
    with pytest.raises(InputError, match="nothing was measured"):
        write_table([], path)
    assert list(path.parent.iterdir()) == []


def test_measuring_that_fails_leaves_what_stood_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_PART_ROWS", 1)
    write_table([block()], path)
    before = path.read_bytes()

    def source() -> Iterator[MeasuredBlock]:
        yield from (block(), block())
        raise InputError("a file cannot be read")

    with pytest.raises(InputError, match="a file cannot be read"):
        write_table(source(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_what_stood_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table([block()], path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left on device; nothing was changed"):
        write_table([block(), block()], path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"measured\.parquet cannot be written"):
        write_table([block()], tmp_path / "file" / "measured.parquet")


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "measured.parquet"
    write_table([block()], path)
    assert read_table(path) == [block()]


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(InputError, match=r"measured\.parquet cannot be read"):
        read_table(path)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises((InputError, SchemaError), match=str(tmp_path)):
        read_table(tmp_path)


@pytest.mark.parametrize("kept", [0, 3, 100, -4])
def test_a_truncated_file_is_refused(path: Path, kept: int) -> None:
    write_table([block()], path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SchemaError, match="not a whole Parquet file"):
        read_table(path)


def test_what_is_not_parquet_is_refused(path: Path) -> None:
    path.write_text("file,family\na,b\n" * 100)
    with pytest.raises(SchemaError, match="not a whole Parquet file"):
        read_table(path)


def test_another_table_is_refused(path: Path) -> None:
    pl.DataFrame({"timestamp": [1], "throughput_mbps": [2.0]}).write_parquet(path)
    with pytest.raises(SchemaError, match=r"lacks column 'file' \(\d+ missing in all\)"):
        read_table(path)


def _rewritten(path: Path, *changes: pl.Expr) -> None:
    write_table([block(), block()], path)
    pl.read_parquet(path).with_columns(*changes).write_parquet(path)


def test_a_column_of_another_type_is_refused(path: Path) -> None:
    _rewritten(path, pl.col("entropy_bits").cast(pl.String))
    with pytest.raises(SchemaError, match="column 'entropy_bits' is String and not Float64"):
        read_table(path)


def test_a_missing_candidate_is_refused(path: Path) -> None:
    write_table([block()], path)
    pl.read_parquet(path).drop("compress_ms:zstd-9").write_parquet(path)
    with pytest.raises(SchemaError, match=r"lacks column 'compress_ms:zstd-9' \(1 missing in all\)"):
        read_table(path)


def test_a_table_from_before_a_probe_is_refused(path: Path) -> None:
    write_table([block()], path)
    pl.read_parquet(path).drop("zstd_whole_ratio", "zstd_whole_ms_per_mib").write_parquet(path)
    with pytest.raises(SchemaError, match=r"lacks column 'zstd_whole_ratio' \(2 missing in all\)"):
        read_table(path)


def test_rows_without_a_value_are_refused(path: Path) -> None:
    _rewritten(path, pl.lit(None, pl.Int64).alias("block_bytes"))
    with pytest.raises(SchemaError, match="column 'block_bytes' has rows without a value"):
        read_table(path)


def test_an_unknown_reference_kind_is_refused(path: Path) -> None:
    _rewritten(path, pl.lit("guessed").alias("reference_kind"))
    with pytest.raises(SchemaError, match="'guessed' and not one of none, real, aged"):
        read_table(path)


def test_columns_in_another_order_and_more_of_them_do_no_harm(path: Path) -> None:
    write_table([block()], path)
    whole = pl.read_parquet(path)
    whole.select(reversed(whole.columns)).with_columns(comment=pl.lit("x")).write_parquet(path)
    assert read_table(path) == [block()]
