import json

import pytest

from dwcp.simulate import LINK_KINDS
from dwcp.tasks.compression.table import read_table
from dwcp.telemetry.validation import validate_file


def test_simulated_blocks_are_a_measured_table(run, tmp_path):
    out = tmp_path / "new" / "t.parquet"
    done = run("simulate", "compression", "--samples", 50, "--out", out, "--json")
    assert json.loads(done.out) == {"table": str(out), "rows": 50, "seed": 42}
    blocks = read_table(out)
    assert len(blocks) == 50
    assert len({block.file for block in blocks}) > 3


def test_the_seed_decides(run, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert (
            run("simulate", "compression", "--samples", 20, "--out", tmp_path / name, "--seed", seed).status
            == 0
        )
    a, b, c = (read_table(tmp_path / name) for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_simulated_links_are_telemetry_without_a_fault(kind, run, tmp_path):
    out = tmp_path / "link.parquet"
    done = run("simulate", "links", "--kind", kind, "--seconds", 120, "--out", out, "--step-s", 0.5)
    assert done.status == 0
    assert f"240 records of a simulated {kind} link" in done.out
    report = validate_file(out)
    assert report.ok, report.lines()
    assert (report.kind, report.rows) == ("link", 240)


def test_a_long_link_is_written_in_parts_without_a_seam(run, tmp_path, monkeypatch):
    monkeypatch.setattr("dwcp.cli.simulate._STEPS_AT_ONCE", 7)
    out = tmp_path / "link.parquet"
    assert run("simulate", "links", "--kind", "wan", "--seconds", 40, "--out", out).status == 0
    report = validate_file(out, interval_s=1.0)
    assert report.ok
    assert report.rows == 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["links", "--kind", "moon", "--seconds", "10"], "no kind of link 'moon'; there are datacenter"),
        (["links", "--kind", "wan", "--seconds", "0.5"], "hold no step"),
        (["compression", "--samples", "0"], "--samples"),
    ],
)
def test_what_cannot_be_simulated_is_one_sentence(words, said, run, tmp_path):
    done = run("simulate", *words, "--out", tmp_path / "x.parquet")
    assert said in done.sentence
    assert done.status == 2
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_full_disk_leaves_nothing_behind(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dwcp.telemetry.parquet_file.TableWriter.write", full)
    done = run("simulate", "links", "--kind", "wan", "--seconds", 10, "--out", tmp_path / "x.parquet")
    assert "no space left on device" in done.sentence
    assert "may pass" in done.sentence
    assert done.status == 1
    assert list(tmp_path.iterdir()) == []
