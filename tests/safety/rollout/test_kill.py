import json

import pytest

from dwcp.errors import InputError
from dwcp.safety.flags import FlagsFile
from dwcp.safety.rollout import Arm, Event, KillSwitches, Measurement, Stage

WHO = {"now": 5.0, "who": "ann", "why": "odd answers"}


def test_each_task_has_a_switch_and_all_have_one(tmp_path):
    switches = KillSwitches(tmp_path)
    assert switches.engaged("compression") is None
    switches.engage("compression", **WHO)
    assert switches.engaged("compression") == "kill switch of compression, ann: odd answers"
    assert switches.engaged("bandwidth") is None
    switches.engage(None, **WHO)
    assert switches.engaged("bandwidth") == "kill switch of all tasks, ann: odd answers"
    switches.release(None, **WHO)
    assert switches.engaged("bandwidth") is None
    assert switches.engaged("compression")
    switches.release("compression", **WHO)
    assert switches.engaged("compression") is None
    assert [line.engaged for line in switches.history()] == [True, True, False, False]


def test_what_is_not_engaged_cannot_be_let_go(tmp_path):
    switches = KillSwitches(tmp_path)
    with pytest.raises(InputError, match="kill switch of compression is not engaged"):
        switches.release("compression", **WHO)
    switches.engage(None, **WHO)
    with pytest.raises(InputError, match="held by another: kill switch of all tasks"):
        switches.release("compression", **WHO)


def test_another_process_honours_it(tmp_path):
    here, there = KillSwitches(tmp_path), KillSwitches(tmp_path)
    here.engage("compression", **WHO)
    assert there.poll()
    assert there.engaged("compression")
    assert not there.poll()


def test_switches_that_cannot_be_read_count_as_pulled(tmp_path):
    switches = KillSwitches(tmp_path)
    switches.engage("compression", **WHO)
    path = tmp_path / "rollouts" / "kill-switch.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"oops\n" + whole)
    switches.poll()
    assert "cannot be read" in switches.engaged("bandwidth")
    path.write_bytes(whole)
    switches.poll()
    assert switches.engaged("bandwidth") is None


def test_a_kill_switch_stops_arms_shadow_and_progress_and_reviving_begins_the_hold_again(driver):
    driver.start()
    driver.reach(Stage.SHARE_100)
    driver.feed()
    switches = KillSwitches(driver.home)
    switches.engage("compression", now=driver.now, who="ann", why="odd answers")
    assert driver.tick(driver.HOLD_S) == ()
    assert (driver.rollout.arm("a").arm, driver.rollout.arm("a").visit) == (Arm.CONTROL, 0)
    assert driver.rollout.killed
    with pytest.raises(InputError, match="nothing goes forward while a kill switch is engaged"):
        driver.order("advance")
    switches.release("compression", now=driver.now, who="ann", why="mended")
    assert driver.tick() == ()
    assert driver.rollout.arm("a").arm is Arm.CANDIDATE
    assert driver.tick(driver.HOLD_S)


def test_a_breach_still_rolls_back_while_killed(driver):
    driver.start()
    driver.feed(Measurement(answered=False), 100)
    KillSwitches(driver.home).engage(None, now=driver.now, who="ann", why="x")
    (moved,) = driver.tick(1.0)
    assert moved.event is Event.BREACHED


def test_flags_cap_the_share_and_pull_switches(driver, another):
    path = driver.home / "flags.json"

    def flagged(**values):
        path.write_text(json.dumps(values))
        return another(switches=KillSwitches(driver.home, FlagsFile(path)))

    driver.start()
    driver.reach(Stage.SHARE_50)
    units = [f"unit-{number}" for number in range(2000)]
    inside = {unit for unit in units if driver.rollout.arm(unit).arm is Arm.CANDIDATE}
    capped = flagged(v3RolloutPercentage=10).rollout
    few = {unit for unit in units if capped.arm(unit).arm is Arm.CANDIDATE}
    assert few < inside
    assert 140 < len(few) < 260
    closed = flagged(v3RolloutPercentage=0).rollout
    assert not any(closed.arm(unit).arm is Arm.CANDIDATE for unit in units)
    stopped = flagged(enableV3Compression=False).rollout
    assert stopped.killed == "the flag enableV3Compression is off"
    assert stopped.arm("a").visit == 0
    assert flagged(enableV3Prediction=False).rollout.killed is None
