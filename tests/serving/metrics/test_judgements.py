import math

import pytest

from dwcp.errors import InputError
from dwcp.serving.metrics import CONTROL, DAY_S, MODEL, SLOT_S, Judgements
from dwcp.task import Verdict

NOW = 100 * DAY_S + 10.0
RIGHT, WRONG = Verdict(True, 1.0, 100.0), Verdict(False, 3.0, 300.0)


def test_the_last_day_is_told_and_what_is_older_is_not() -> None:
    told = Judgements(["toy"])
    told.add("toy", "1.0.0", WRONG, control=False, now=NOW - DAY_S - SLOT_S)
    told.add("toy", "1.0.0", RIGHT, control=False, now=NOW - DAY_S / 2)
    told.add("toy", "1.0.0", WRONG, control=False, now=NOW)
    last = told.last("toy", MODEL, NOW)
    assert (last.accuracy, last.regret, last.throughput_mbps) == (0.5, 2.0, 200.0)
    assert told.last("toy", MODEL, NOW, SLOT_S).judged == 1
    assert [step.judged for step in told.course("toy", MODEL, NOW, 2, 100)] == [1, 1]
    assert told.last("toy", MODEL, NOW + DAY_S + SLOT_S).accuracy is None
    assert told.last("toy", CONTROL, NOW).regret is None


def test_a_verdict_tells_what_it_tells_and_nothing_else() -> None:
    told = Judgements(["toy"])
    told.add("toy", "", Verdict(regret=math.nan), control=True, now=NOW)
    told.add("toy", "", Verdict(throughput_mbps=5.0), control=True, now=NOW)
    told.add("no such task", "", RIGHT, control=True, now=NOW)
    last = told.last("toy", CONTROL, NOW)
    assert (last.judged, last.regrets, last.moved) == (0, 0, 1)
    assert told.tasks == ("toy",)
    assert told.last("no such task", MODEL, NOW).judged == 0


def test_versions_are_few_and_none_is_lost_for_the_model() -> None:
    told = Judgements(["toy"], versions=2)
    for version in ("1.0.0", "1.0.1", "1.0.0", "1.0.2"):
        told.add("toy", version, RIGHT, control=False, now=NOW)
    kept = {version: told.last("toy", version, NOW).judged for version in ("1.0.0", "1.0.1", "1.0.2")}
    assert kept == {"1.0.0": 2, "1.0.1": 0, "1.0.2": 1}
    assert told.last("toy", MODEL, NOW).judged == 4


def test_a_clock_that_steps_back_and_a_long_life_cost_no_memory() -> None:
    told = Judgements(["toy"])
    for step in range(3):
        told.add("toy", "", RIGHT, control=False, now=NOW + step * SLOT_S)
    told.add("toy", "", RIGHT, control=False, now=NOW - 5 * SLOT_S)
    assert told.course("toy", MODEL, NOW - 5 * SLOT_S, 1)[0].judged == 4
    assert told.last("toy", MODEL, NOW).judged == 4
    for step in range(1000):
        told.add("toy", "", RIGHT, control=False, now=NOW + step * SLOT_S)
    assert len(told._arms["toy"][MODEL]) <= 288


def whole() -> Judgements:
    """A day and more of a task and of another, on three versions and the rule."""
    told = Judgements(["toy", "other"])
    for step in range(400):
        now = NOW - (399 - step) * SLOT_S
        told.add("toy", f"1.0.{step // 150}", RIGHT if step % 3 else WRONG, control=False, now=now)
        told.add("other", "", Verdict(regret=step / 7), control=True, now=now)
    return told


def seen(told: Judgements, now: float) -> list[object]:
    arms = (MODEL, CONTROL, "1.0.0", "1.0.1", "1.0.2")
    return [told.course(task, arm, now, 288) for task in told.tasks for arm in arms]


def test_a_snapshot_goes_on_where_it_was() -> None:
    before, after = whole(), Judgements(["other", "toy"])
    after.add("toy", "9.9.9", WRONG, control=False, now=NOW)
    after.restore(before.snapshot(), NOW)
    assert seen(before, NOW) == seen(after, NOW)[5:] + seen(after, NOW)[:5]
    assert after.last("toy", MODEL, NOW).judged == 288
    for told in (before, after):
        told.add("toy", "1.0.2", RIGHT, control=False, now=NOW + SLOT_S)
    assert seen(before, NOW + SLOT_S) == seen(after, NOW + SLOT_S)[5:] + seen(after, NOW + SLOT_S)[:5]
    assert len(before.snapshot()) < 50_000


def test_of_a_snapshot_what_is_old_foreign_or_too_much_is_left_out() -> None:
    few = Judgements(["toy"], versions=1)
    few.restore(whole().snapshot(), NOW)
    assert [few.last("toy", version, NOW).judged for version in ("1.0.1", "1.0.2")] == [0, 100]
    assert few.tasks == ("toy",)
    few.restore(whole().snapshot(), NOW + 1000 * DAY_S)
    assert not few._arms["toy"][MODEL]


@pytest.mark.parametrize("back_s", [2 * SLOT_S, 50 * DAY_S])
def test_a_clock_that_was_set_back_between_hides_nothing(back_s: float) -> None:
    told, now = Judgements(["toy"]), NOW - back_s
    told.restore(whole().snapshot(), now)
    assert told.last("toy", MODEL, now).judged == 288
    told.add("toy", "1.0.2", RIGHT, control=False, now=now)
    assert told.last("toy", MODEL, now).judged == 289
    assert told.last("toy", "1.0.2", now, SLOT_S).judged > 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"format": 2, "tasks": {}}',
        b'{"format": 1, "tasks": []}',
        b'{"format": 1, "tasks": {"toy": {"arms": {"model": [[1, 2, 0, 0.0, 0, 0.0, 9]]}, "versions": {}}}}',
        b'{"format": 1, "tasks": {"toy": {"arms": {"model": [[1, 1, 1, 1e999, 0, 0, 9]]}, "versions": {}}}}',
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(content: bytes) -> None:
    told = whole()
    before = told.snapshot()
    with pytest.raises(InputError, match=r"^it (holds no judgements|is of format 2)"):
        told.restore(content, NOW)
    assert told.snapshot() == before
