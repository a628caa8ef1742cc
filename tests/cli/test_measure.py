import json
import os
from pathlib import Path
from random import Random

import pytest

from dwcp.errors import InputError
from dwcp.tasks.compression import measure as measuring
from dwcp.tasks.compression.table import read_table

pytestmark = pytest.mark.usefixtures("steady_speed")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "words.txt").write_bytes(b"the same few words again and again " * 300)
    (folder / "noise.bin").write_bytes(Random(1).randbytes(5000))
    (folder / "tiny").write_bytes(b"too small")
    return folder


def test_every_codec_is_shown_and_the_table_can_be_read(files, run, home):
    done = run("measure", files, "--block-bytes", 4096, "--blocks-per-file", 1)
    assert done.status == 0
    table = home / "tables" / "compression.parquet"
    assert str(table) in done.out
    assert {line.split()[0] for line in done.out.splitlines() if line.strip()} >= {"none", "lz4", "zstd-19"}
    assert sorted(block.file for block in read_table(table)) == ["noise.bin", "words.txt"]


def test_json_names_figures_and_the_table(files, run, tmp_path):
    out = tmp_path / "here" / "t.parquet"
    done = run("measure", files / "words.txt", "--block-bytes", 4096, "--out", out, "--json")
    said = json.loads(done.out)
    assert said["table"] == str(out)
    assert (said["blocks"], said["files"], said["skipped"], said["interrupted"]) == (2, 1, [], False)
    zstd = next(codec for codec in said["codecs"] if codec["codec"] == "zstd-3")
    assert zstd["ratio"] > 5
    assert zstd["in_mb_per_s"] > 0
    assert len(read_table(out)) == 2


def test_figures_are_sums_over_blocks(files, run, tmp_path):
    out = tmp_path / "t.parquet"
    done = run("measure", files, "--block-bytes", 4096, "--out", out, "--json")
    blocks = read_table(out)
    plain = sum(block.facts.block_bytes for block in blocks)
    for codec in json.loads(done.out)["codecs"]:
        ran = [o for block in blocks for action, o in block.outcomes.items() if action.name == codec["codec"]]
        assert codec["blocks"] == len(ran)
        if len(ran) == len(blocks):
            assert codec["ratio"] == pytest.approx(plain / sum(outcome.stored_bytes for outcome in ran))
            assert codec["in_mb_per_s"] == pytest.approx(plain / 1e3 / sum(o.compress_ms for o in ran))


def test_a_missing_path_is_one_sentence(run, tmp_path):
    done = run("measure", tmp_path / "none")
    assert "does not exist" in done.sentence
    assert done.status == 2


def test_an_empty_folder_is_one_sentence(run, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("measure", tmp_path / "empty")
    assert "no file of at least 4096 bytes" in done.sentence
    assert done.status == 2


@pytest.fixture
def forbidden(monkeypatch) -> set[str]:
    """Names of files that may not be opened; root may open everything."""
    names: set[str] = set()
    opened = Path.open

    def guarded(self, *arguments, **more):
        if self.name in names:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", guarded)
    return names


def test_an_unreadable_file_in_a_folder_is_named_and_counted(files, forbidden, run):
    forbidden.add("noise.bin")
    done = run("measure", files, "--block-bytes", 4096)
    assert done.status == 0
    assert f"skipped 1 that cannot be read: {files / 'noise.bin'} (permission denied)" in done.err


def test_an_unreadable_folder_is_named_and_counted(files, run, monkeypatch):
    listed = os.scandir

    def guarded(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    (files / "closed").mkdir()
    monkeypatch.setattr(os, "scandir", guarded)
    done = run("measure", files, "--block-bytes", 4096, "--json")
    assert json.loads(done.out)["skipped"] == [f"{files / 'closed'} (permission denied)"]


def test_many_unreadable_files_are_counted_not_listed(files, forbidden, run):
    for number in range(8):
        (files / f"closed{number}").write_bytes(bytes(5000))
        forbidden.add(f"closed{number}")
    err = run("measure", files, "--block-bytes", 4096).err
    assert "skipped 8" in err
    assert "and 3 more" in err


def test_an_unreadable_file_that_was_named_is_an_error(files, forbidden, run):
    forbidden.add("noise.bin")
    done = run("measure", files / "noise.bin")
    assert "noise.bin cannot be read" in done.sentence
    assert done.status == 2


def test_a_folder_without_a_readable_file_is_an_error(files, forbidden, run):
    forbidden.update(("noise.bin", "words.txt"))
    done = run("measure", files)
    assert "no file can be read" in done.sentence
    assert done.status == 2


def ending(monkeypatch, error, after):
    """Let measuring end with this error after so many blocks."""
    whole = measuring.measure

    def cut_short(*arguments):
        for number, block in enumerate(whole(*arguments)):
            if number == after:
                raise error
            yield block

    monkeypatch.setattr(measuring, "measure", cut_short)


def test_an_interrupt_keeps_what_was_measured(files, run, home, monkeypatch):
    ending(monkeypatch, KeyboardInterrupt(), 1)
    done = run("measure", files, "--block-bytes", 4096)
    assert done.status == 130
    assert done.sentence == "interrupted"
    assert len(read_table(home / "tables" / "compression.parquet")) == 1
    assert "1 block of" in done.out


def test_an_interrupt_before_anything_was_measured_writes_nothing(files, run, home, monkeypatch):
    ending(monkeypatch, KeyboardInterrupt(), 0)
    assert run("measure", files).status == 130
    assert not (home / "tables").exists()


def test_a_file_that_goes_away_meanwhile_is_told_and_the_rest_kept(files, run, home, monkeypatch):
    ending(monkeypatch, InputError("words.txt cannot be read"), 1)
    done = run("measure", files, "--block-bytes", 4096)
    assert done.sentence == "words.txt cannot be read"
    assert done.status == 2
    assert len(read_table(home / "tables" / "compression.parquet")) == 1


def test_measuring_stops_when_time_is_up_and_takes_blocks_from_everywhere(files, run, monkeypatch, tmp_path):
    for number in range(20):
        (files / f"more{number}.bin").write_bytes(Random(number).randbytes(4096))
    clock = iter(range(10_000))
    monkeypatch.setattr("dwcp.cli.measure.time.monotonic", lambda: float(next(clock)))
    out = tmp_path / "t.parquet"
    assert run("measure", files, "--seconds", 20, "--block-bytes", 4096, "--out", out).status == 0
    measured = [block.file for block in read_table(out)]
    assert 0 < len(measured) < 20
    assert measured != sorted(path.name for path in files.iterdir())[: len(measured)]


def test_a_table_that_could_not_be_written_is_refused_before_measuring(files, run, monkeypatch):
    monkeypatch.setattr(measuring, "measure", lambda *_: pytest.fail("measured in vain"))
    done = run("measure", files, "--out", files)
    assert "is a folder" in done.sentence
    assert done.status == 2


def test_a_full_disk_leaves_the_former_table(files, run, home, monkeypatch):
    assert run("measure", files, "--block-bytes", 4096).status == 0
    table = home / "tables" / "compression.parquet"
    former = table.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dwcp.telemetry.parquet_file.TableWriter.write", full)
    done = run("measure", files, "--block-bytes", 4096)
    assert "no space left on device" in done.sentence
    assert done.status == 1
    assert table.read_bytes() == former
