"""What survives a restart, a torn line, a full disk, and another process."""

import json
import subprocess
import sys

import pytest

from dwcp.errors import InputError, StorageError
from dwcp.safety.rollout import Arm, Event, Measurement, Rollout, Stage, rollout_tasks
from dwcp.safety.rollout.journal import Journal

FAILED = Measurement(answered=False)


def journal_of(driver):
    return driver.home / "rollouts" / "compression.jsonl"


def test_a_restart_in_the_middle_of_a_stage_loses_neither_stage_nor_samples(driver, another):
    driver.start()
    driver.reach(Stage.SHARE_25)
    driver.feed(count=150)
    driver.tick(600.0)
    before = driver.rollout.standings(driver.now)
    arms = [driver.rollout.arm(f"unit-{number}") for number in range(200)]
    driver.rollout.close()
    again = another()
    again.tick()
    assert again.rollout.standings(again.now) == before
    assert [again.rollout.arm(f"unit-{number}") for number in range(200)] == arms
    again.feed(count=50)
    (moved,) = again.tick(again.HOLD_S)
    assert (moved.event, moved.from_stage) == (Event.PASSED, Stage.SHARE_25)


def test_rolled_back_stays_rolled_back_after_a_restart(driver, another):
    driver.start()
    driver.order("withdraw")
    assert another().stage() is Stage.ROLLED_BACK
    assert another().tick(1e9) == ()


def test_a_torn_last_line_is_passed_over_and_cut_off(driver, another):
    driver.start()
    driver.pass_stage()
    path = journal_of(driver)
    whole = path.read_bytes()
    for torn in (b'{"when_s":1', b'{"when_s":1}\n', whole.splitlines()[-1][:-1]):
        path.write_bytes(whole + torn)
        again = another()
        assert again.stage() is Stage.CANARY_5
        assert not again.rollout.fault
    again.order("advance")
    assert path.read_bytes().startswith(whole)
    assert [json.loads(line)["event"] for line in path.read_bytes().splitlines()][-2:] == [
        "passed",
        "advanced",
    ]


def test_every_line_says_who_when_what_and_why(driver):
    driver.start()
    driver.feed(FAILED, 50)
    driver.tick(1.0)
    lines = [json.loads(line) for line in journal_of(driver).read_bytes().splitlines()]
    assert [line["event"] for line in lines] == ["started", "opened", "breached"]
    assert (lines[0]["who"], lines[0]["why"], lines[0]["start"]["candidate"]) == (
        "ann",
        "it is better",
        "1.1.0",
    )
    assert (lines[2]["from"], lines[2]["to"], lines[2]["when_s"]) == ("shadow", "rolled_back", 1e9 + 1)
    measured = {found["metric"]: found for found in lines[2]["measured"]}
    assert (measured["error_rate"]["value"], measured["error_rate"]["count"]) == (1.0, 50)


@pytest.mark.parametrize("damage", ["a line that is none", "a line too many", "a stage skipped"])
def test_a_damaged_journal_means_control_for_all_until_it_is_mended(damage, driver):
    driver.start()
    driver.reach(Stage.SHARE_100)
    path = journal_of(driver)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    bad = {
        "a line that is none": [lines[0], b"oops\n", *lines[1:]],
        "a line too many": [*lines, lines[0]],
        "a stage skipped": lines[:2] + lines[3:],
    }[damage]
    path.write_bytes(b"".join(bad))
    assert driver.rollout.poll()
    assert driver.rollout.arm("a").arm is Arm.CONTROL
    assert str(path) in driver.rollout.fault
    assert driver.tick(1.0) == ()
    with pytest.raises(InputError, match="restore"):
        driver.order("withdraw")
    path.write_bytes(whole)
    driver.rollout.poll()
    assert driver.rollout.arm("a").arm is Arm.CANDIDATE
    assert not driver.rollout.fault


def test_a_rollback_that_cannot_be_written_holds_in_this_process(driver, monkeypatch, caplog):
    driver.start()
    driver.reach(Stage.SHARE_100)
    driver.feed(FAILED, 200)

    def full(self, entries) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", full)
        assert driver.tick(1.0) == ()
        assert driver.rollout.arm("a").arm is Arm.CONTROL
        assert driver.rollout.fault == "the disk is full"
        driver.rollout.poll()
        assert driver.rollout.arm("a").arm is Arm.CONTROL
    (moved,) = driver.tick(1.0)
    assert moved.event is Event.BREACHED
    assert not driver.rollout.fault
    assert "the disk is full" in caplog.text


def test_samples_that_cannot_be_saved_still_count(driver, monkeypatch, caplog):
    driver.start()
    driver.feed(FAILED, 200)

    def full(path, data) -> None:
        raise StorageError("no room for samples")

    monkeypatch.setattr("dwcp.safety.rollout.samples.atomic_write", full)
    (moved,) = driver.tick(1.0)
    assert moved.event is Event.BREACHED
    assert "no room for samples" in caplog.text


def test_processes_add_up_their_samples_and_move_once(driver, another):
    driver.start()
    other = another()
    assert other.stage() is Stage.SHADOW
    driver.feed(count=100)
    other.feed(count=100)
    assert other.tick() == ()
    other.now = driver.now + driver.HOLD_S
    (moved,) = driver.tick(driver.HOLD_S)
    assert moved.event is Event.PASSED
    assert other.tick() == ()
    assert other.stage() is Stage.CANARY_5
    assert other.rollout.standings(other.now)["default"].samples == 0
    assert len(list((driver.home / "rollouts" / "compression.samples").glob("*.json"))) == 2


def test_two_processes_that_see_the_same_do_not_both_move(driver, another):
    driver.start()
    other = another()
    driver.feed()
    driver.tick()
    now = driver.now + driver.HOLD_S
    # Both decided before either wrote: the second finds the journal moved.
    foreseen = other.rollout._due(other.rollout.state, now)
    assert [entry.event for entry in foreseen] == [Event.PASSED]
    assert len(driver.rollout.tick(now)) == 1
    assert other.rollout._ledger.write(lambda state: other.rollout._due(state, now)) == ()


def test_whoever_only_looks_on_has_no_slot(driver, another):
    driver.start()
    driver.feed(count=10)
    driver.tick()
    looking = another(takes_part=False)
    looking.tick()
    assert looking.rollout.standings(looking.now)["default"].samples == 10
    assert len(list((driver.home / "rollouts" / "compression.samples").glob("*.lock"))) == 1


def test_of_more_measurements_than_may_wait_the_last_are_kept(driver):
    driver.start()
    got = driver.rollout.arm("a")
    for number in range(70_000):
        driver.rollout.record(got, Arm.CANDIDATE, FAILED if number < 4_000 else driver.GOOD)
    assert driver.tick() == ()
    assert driver.rollout.standings(driver.now)["default"].samples == 65_536


WORKER = """
import sys
from pathlib import Path
from dwcp.safety.rollout import Rollout
for number in range(10):
    rollout = Rollout(Path(sys.argv[1]), "compression", takes_part=False, who=sys.argv[2])
    try:
        rollout.advance(None, now=float(number), who=sys.argv[2], why="racing")
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_processes_that_write_at_the_same_time_take_turns(driver):
    driver.start(driver.plan_of())
    racing = [
        subprocess.Popen([sys.executable, "-c", WORKER, driver.home, name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = "".join(process.communicate(timeout=60)[0] for process in racing)
    driver.rollout.poll()
    assert driver.stage() is Stage.COMPLETE
    assert len(driver.rollout.history()) == 2 + 6
    assert said.count("InputError default is complete") == 14


def test_nothing_read_costs_more_than_a_stat_while_nothing_changes(driver, monkeypatch):
    driver.start()
    driver.rollout.poll()
    monkeypatch.setattr(Journal, "read", lambda _: pytest.fail("nothing changed"))
    assert not driver.rollout.poll()


def test_the_tasks_that_were_ever_rolled_out(driver):
    assert rollout_tasks(driver.home) == ()
    driver.start()
    (driver.home / "rollouts" / "kill-switch.jsonl").touch()
    assert rollout_tasks(driver.home) == ("compression",)


@pytest.mark.parametrize("task", ["", "../x", "Compression", "kill-switch"])
def test_a_name_that_is_no_task_is_refused(task, tmp_path):
    with pytest.raises(InputError, match="not the name of a task"):
        Rollout(tmp_path, task)
