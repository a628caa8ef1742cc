import json
from pathlib import Path
from random import Random

import pytest

from dwcp.cli.demo import measuring
from dwcp.cli.demo.files import survey
from dwcp.cli.demo.measuring import measure_within, plan
from dwcp.codecs.facts import BlockFacts
from dwcp.errors import InputError
from dwcp.tasks.compression.contract import CANDIDATES, Outcome
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind
from dwcp.tasks.compression.table import read_table

FILES = 40


def silent(*_):
    """No progress."""


class Clock:
    """Every block takes a second."""

    def __init__(self):
        self.now = 100.0
        self.measured = []
        self.stop_after = None

    def __call__(self):
        return self.now

    def measure(self, sources, _, progress):
        progress(0.0, "calibrating")
        for place, source in enumerate(sources):
            progress(place / len(sources), source.path.name)
            if self.stop_after is not None and len(self.measured) >= self.stop_after:
                raise KeyboardInterrupt
            if not source.path.exists():
                raise InputError(f"{source.path} cannot be read")
            self.now += 1
            self.measured.append(source.path.name)
            outcomes = {action: Outcome(source.block_bytes, 1.0, 1.0) for action in CANDIDATES}
            facts = BlockFacts(source.block_bytes, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
            yield MeasuredBlock(
                source.path.name, source.family, source.offset_bytes, ReferenceKind.NONE, facts, outcomes, ()
            )
        progress(1.0, "measured")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(measuring, "measure", clock.measure)
    return clock


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(FILES):
        suffix = ("txt", "log", "json", "gz")[number % 4]
        (folder / f"file{number}x.{suffix}").write_bytes(Random(number).randbytes(4200 + number))
    return folder


def wanted(data: Path):
    return plan(survey([data], data / "home", 1000).files, versions=False)


def measure(data, clock, seconds=1000.0, *, fresh=False, told=None):
    def progress(share, words):
        if told is not None:
            told.append(share)

    folder = data.parent / "measured"
    return measure_within(wanted(data), folder, seconds, fresh=fresh, clock=clock, progress=progress)


def names(measured):
    return [(block.file, block.offset_bytes) for block in measured.blocks]


def test_measuring_stops_when_the_time_is_up(data, clock):
    told = []
    measured = measure(data, clock, 30, told=told)
    assert len(measured.blocks) == 30
    assert measured.spent_s == 30
    assert told == sorted(told)
    assert told[-1] <= 1.0
    assert names(measured) == names_of(measured.table)


def names_of(table):
    return [(block.file, block.offset_bytes) for block in read_table(table)]


def test_a_few_blocks_are_measured_however_short_the_time(data, clock):
    assert len(measure(data, clock, 1).blocks) == 24


def test_blocks_are_named_by_folder_and_file(data, clock):
    assert measure(data, clock, 1).blocks[0].file.startswith("data/file")


def test_a_second_run_measures_nothing_and_finds_the_same(data, clock):
    first = measure(data, clock, 30)
    clock.measured.clear()
    again = measure(data, clock, 30)
    assert clock.measured == []
    assert again.reused
    assert not first.reused
    assert (again.blocks, again.spent_s, again.table) == (first.blocks, first.spent_s, first.table)


def test_with_more_time_measuring_goes_on_where_it_stopped(data, clock):
    first = measure(data, clock, 30)
    clock.measured.clear()
    more = measure(data, clock, 35)
    assert len(clock.measured) == 5
    assert more.blocks[:30] == first.blocks
    assert (more.found_before, len(more.blocks), more.spent_s) == (30, 35, 35)


def test_fresh_measures_everything_again(data, clock):
    measure(data, clock, 30)
    clock.measured.clear()
    assert not measure(data, clock, 30, fresh=True).reused
    assert len(clock.measured) == 30


@pytest.mark.parametrize("stop_after", [1, 7, 29])
def test_an_interrupted_run_is_gone_on_with(data, clock, stop_after):
    clock.stop_after = stop_after
    with pytest.raises(KeyboardInterrupt):
        measure(data, clock, 30)
    clock.stop_after = None
    clock.measured.clear()
    measured = measure(data, clock, 30)
    assert measured.found_before == stop_after
    assert len(clock.measured) == 30 - stop_after
    assert len(set(names(measured))) == 30


def test_an_interruption_before_the_first_block_leaves_nothing(data, clock):
    clock.stop_after = 0
    with pytest.raises(KeyboardInterrupt):
        measure(data, clock)
    assert not (data.parent / "measured").exists()


def test_a_process_that_is_killed_loses_a_few_seconds_at_most(data, clock, monkeypatch):
    saved = []
    save = measuring._save
    monkeypatch.setattr(
        measuring, "_save", lambda measured: (save(measured), saved.append(len(measured.blocks)))
    )
    measure(data, clock, 35)
    assert saved == [10, 20, 30, 35]


def test_killed_between_the_table_and_its_notes_the_table_counts(data, clock):
    first = measure(data, clock, 30)
    notes = first.table.with_suffix(".json")
    older = json.loads(notes.read_text())
    notes.write_text(json.dumps(older | {"spent_s": 20.0}))
    clock.measured.clear()
    more = measure(data, clock, 30)
    assert len(set(names(more))) == len(more.blocks) == 40
    assert len(clock.measured) == 10


@pytest.mark.parametrize("what", ["table", "notes"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1, 2", b'{"sources": [[1]], "spent_s": 1}'])
def test_a_damaged_file_is_measured_again(data, clock, what, content):
    first = measure(data, clock, 30)
    damaged = first.table if what == "table" else first.table.with_suffix(".json")
    damaged.unlink() if content is None else damaged.write_bytes(content)
    clock.measured.clear()
    assert names(measure(data, clock, 30)) == names(first)
    assert len(clock.measured) == 30


def test_a_file_that_vanishes_is_passed_over_and_counted(data, clock):
    before = wanted(data)
    before.sources[3].path.unlink()
    measured = measure_within(
        before, data.parent / "measured", 1000, fresh=False, clock=clock, progress=silent
    )
    assert measured.vanished == 1
    assert len(measured.blocks) == FILES - 1


def test_when_every_file_has_vanished_it_is_said(data, clock):
    before = wanted(data)
    for source in before.sources:
        source.path.unlink()
    with pytest.raises(InputError, match="nothing could be measured"):
        measure_within(before, data.parent / "measured", 9, fresh=False, clock=clock, progress=silent)


def test_changed_files_are_another_table_but_a_log_may_grow(data, clock):
    first = wanted(data).fingerprint
    with (data / "file1x.log").open("ab") as log:
        log.write(b"one more line\n")
    assert wanted(data).fingerprint == first
    (data / "file0x.txt").write_bytes(bytes(9000))
    assert wanted(data).fingerprint != first


def test_the_fingerprint_follows_the_codecs_and_the_pairing(data, monkeypatch):
    found = survey([data], data / "home", 1000).files
    first = plan(found, versions=False).fingerprint
    assert plan(found, versions=True).fingerprint != first
    monkeypatch.setattr(measuring, "version", lambda _: "9.9")
    assert plan(found, versions=False).fingerprint != first
