import pytest

from dwcp.errors import InputError, StorageError
from dwcp.safety.experiments import (
    Arm,
    ExperimentBook,
    ExperimentLog,
    ExperimentPlan,
    ExperimentState,
    Metric,
    MetricKind,
)

PLAN = ExperimentPlan("codec", (Arm("control"), Arm("new", 2.0)), Metric("hit", MetricKind.PROPORTION))
BY = {"now": 1.0, "who": "ann", "why": "to learn"}


@pytest.fixture
def book(tmp_path):
    made = ExperimentBook(tmp_path)
    made.create(PLAN)
    return made


def test_a_plan_stands_as_it_was_written_and_cannot_be_another(book, tmp_path):
    assert ExperimentBook(tmp_path).record("codec").plan == PLAN
    assert book.create(PLAN).state is ExperimentState.DRAFT
    with pytest.raises(InputError, match="stands with another plan"):
        book.create(ExperimentPlan("codec", (Arm("control"), Arm("new")), Metric("hit")))
    with pytest.raises(InputError, match=r"no experiment 'other' in .*; there are: codec"):
        book.record("other")


def test_state_and_traffic_survive_a_restart_and_a_unit_keeps_its_arm(book, tmp_path):
    units = [f"u{number}" for number in range(300)]
    assert {book.record("codec").experiment().arm(unit) for unit in units} == {None}
    book.start("codec", 0.2, **BY)
    few = {unit: arm for unit in units if (arm := book.record("codec").experiment().arm(unit))}
    book.start("codec", 0.6, **BY)
    book.stop("codec", **BY)
    again = ExperimentBook(tmp_path)
    assert (again.record("codec").state, again.record("codec").traffic) == (ExperimentState.STOPPED, 0.6)
    assert {again.record("codec").experiment().arm(unit) for unit in units} == {None}
    more = again.start("codec", 0.6, **BY).experiment()
    assert {unit: more.arm(unit) for unit in few} == few
    assert again.stop("codec", **BY, conclude=True).state is ExperimentState.CONCLUDED
    with pytest.raises(InputError, match="codec is concluded and cannot be started"):
        again.start("codec", 0.6, **BY)
    assert len(again.record("codec").journal) == 5


def test_a_torn_journal_line_was_never_acknowledged(book):
    book.start("codec", 0.2, **BY)
    journal = book.root / "codec" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"when_s": 2.0, "who": "ann", "event": "sto')
    assert book.record("codec").state is ExperimentState.RUNNING
    assert book.stop("codec", **BY).state is ExperimentState.STOPPED


def test_an_exposure_is_logged_once_also_after_a_restart(book, tmp_path):
    log = book.log("codec")
    for now in range(3):
        log.expose("a", "new", now)
        log.expose("b", "control", now)
        log.outcome("a", {"hit": now % 2}, now + 0.5)
    log.flush()
    log.expose("a", "new", 9.0)
    later = ExperimentBook(tmp_path).log("codec")
    later.expose("a", "new", 10.0)
    later.expose("c", "new", 10.0)
    later.flush()
    assert [line.unit for line in later.exposures().lines] == ["a", "b", "c"]
    assert (log.stats().exposures, log.stats().outcomes, later.stats().exposures) == (2, 3, 1)
    seen, bad = ExperimentBook(tmp_path).observations("codec")
    assert (len(seen), bad, seen.exposed) == (3, 0, {"control": 1, "new": 2})


def test_a_torn_line_costs_itself_and_nothing_else(book):
    log = book.log("codec")
    log.expose("a", "new", 0.0)
    log.flush()
    file = book.root / "codec" / "exposures.jsonl"
    file.write_bytes(file.read_bytes() + b'{"when_s": 1.0, "unit": "b", "ar')
    other = book.log("codec")
    other.expose("c", "new", 2.0)
    assert [line.unit for line in other.exposures().lines] == ["a"]
    assert other.exposures().torn
    other.flush()
    log.expose("c", "control", 3.0)
    log.flush()
    found = log.exposures()
    assert ([line.unit for line in found.lines], found.bad, found.torn) == (["a", "c"], (2,), False)
    outcomes = book.root / "codec" / "outcomes.jsonl"
    outcomes.write_text('{"when_s": 4, "unit": "a", "values": {"hit": 7}}\n{"when_s": 4, "unit": "a"}\n')
    seen, bad = book.observations("codec")
    # The torn exposure, a proportion of 7, and an outcome without values.
    assert (bad, len(seen)) == (3, 0)


def test_what_does_not_fit_is_dropped_and_counted_and_a_dropped_unit_may_come_again(tmp_path):
    log = ExperimentLog(tmp_path, capacity=2, most_units=3)
    for unit in "abc":
        log.expose(unit, "new", 0.0)
        log.outcome(unit, {"hit": 1}, 1.0)
    assert (log.stats().dropped, log.stats().waiting) == (2, 4)
    log.flush()
    log.expose("c", "new", 2.0)
    log.expose("d", "new", 2.0)
    log.flush()
    assert [line.unit for line in log.exposures().lines] == ["a", "b", "c"]
    assert log.stats().dropped == 3


def test_a_disk_that_cannot_be_written_keeps_what_waits(tmp_path):
    (tmp_path / "taken").write_text("")
    log = ExperimentLog.__new__(ExperimentLog)
    with pytest.raises(InputError, match="cannot be read"):
        ExperimentLog.__init__(log, tmp_path / "taken")
    log = ExperimentLog(tmp_path / "log")
    log.expose("a", "new", 0.0)
    (tmp_path / "log").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        log.flush()
    (tmp_path / "log").unlink()
    log.flush()
    assert [line.unit for line in log.exposures().lines] == ["a"]


def test_a_plan_file_that_is_none_is_one_sentence(book):
    (book.root / "codec" / "plan.json").write_text('{"name": "codec"}')
    with pytest.raises(InputError, match=r"plan\.json is no experiment's plan"):
        book.record("codec")
