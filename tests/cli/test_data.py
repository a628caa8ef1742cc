import json

import polars as pl
import pytest


@pytest.fixture
def link(run, tmp_path):
    path = tmp_path / "link.parquet"
    run("simulate", "links", "--kind", "wan", "--seconds", 60, "--out", path)
    return path


def test_a_sound_table_is_status_0(link, run):
    done = run("data", "validate", link)
    assert done.status == 0
    assert "60 link rows, 0 quarantined" in done.out


def test_bad_rows_are_kept_with_reasons_and_the_status_is_3(link, run, tmp_path):
    table = pl.read_parquet(link)
    table = table.with_columns(rtt_ms=pl.when(pl.int_range(pl.len()) == 7).then(-1.0).otherwise("rtt_ms"))
    table.write_parquet(link)
    bad = tmp_path / "bad.parquet"
    done = run("data", "validate", link, "--quarantine", bad, "--json")
    assert done.status == 3
    assert done.err == ""
    said = json.loads(done.out)
    assert (said["rows"], said["quarantined"], said["quarantine"]) == (60, 1, str(bad))
    assert pl.read_parquet(bad)["reason"].to_list() == ["rtt_ms is under 0"]


def test_a_measured_table_is_recognised(simulated, run):
    done = run("data", "validate", simulated, "--json")
    assert done.status == 0
    assert json.loads(done.out)["kind"] == "measured compression"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"block_bytes": pl.lit(0)}, "block_bytes is not positive or not finite"),
        ({"compress_ms:zstd-3": pl.lit(float("nan"))}, "compress_ms:zstd-3 is negative or not finite"),
        ({"reference_kind": pl.lit("guessed")}, "reference_kind is none of none, real, aged"),
        ({"family": pl.lit(None, pl.String)}, "family is missing"),
    ],
)
def test_bad_rows_of_a_measured_table_are_kept_with_reasons(change, reason, simulated, run, tmp_path):
    table = pl.read_parquet(simulated)
    first = pl.int_range(pl.len()) < 2
    changed = {name: pl.when(first).then(value).otherwise(pl.col(name)) for name, value in change.items()}
    path = tmp_path / "changed.parquet"
    table.with_columns(**{n: e.cast(table.schema[n]) for n, e in changed.items()}).write_parquet(path)
    done = run("data", "validate", path)
    assert done.status == 3
    assert "2 quarantined" in done.out
    kept = pl.read_parquet(tmp_path / "changed.quarantine.parquet")
    assert kept["row"].to_list() == [1, 2]
    assert set(kept["reason"]) == {reason}


def test_a_block_without_any_outcome_is_bad(simulated, run, tmp_path):
    table = pl.read_parquet(simulated)
    empty = [pl.lit(None, table.schema[name]).alias(name) for name in table.columns if ":" in name]
    path = tmp_path / "empty.parquet"
    table.head(3).with_columns(*empty).write_parquet(path)
    done = run("data", "validate", path)
    assert "no candidate was measured" in done.out
    assert done.status == 3


def test_a_measured_table_that_lacks_a_column_is_one_sentence(simulated, run, tmp_path):
    path = tmp_path / "lacking.parquet"
    pl.read_parquet(simulated).drop("entropy_bits").write_parquet(path)
    done = run("data", "validate", path)
    assert "lacks column 'entropy_bits'" in done.sentence
    assert done.status == 2


def test_what_cannot_be_read_is_one_sentence(link, simulated, run, tmp_path):
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(simulated.read_bytes()[:2000])
    text = tmp_path / "odd.csv"
    text.write_text("a,b\n1,2\n")
    for path, said in (
        (tmp_path / "none.parquet", "none.parquet cannot be read"),
        (tmp_path, "cannot be read"),
        (cut, "no whole Parquet file"),
        (text, "odd.csv"),
    ):
        done = run("data", "validate", path)
        assert said in done.sentence
        assert done.status == 2
    done = run("data", "validate", link, "--kind", "moon")
    assert "no record kind 'moon'" in done.sentence
    assert done.status == 2
