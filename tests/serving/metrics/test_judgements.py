import math

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
    told.add("toy", "", RIGHT, control=False, now=NOW)
    told.add("toy", "", RIGHT, control=False, now=NOW - 5 * SLOT_S)
    assert told.course("toy", MODEL, NOW, 1)[0].judged == 2
    for step in range(1000):
        told.add("toy", "", RIGHT, control=False, now=NOW + step * SLOT_S)
    assert len(told._arms["toy"][MODEL]) <= 288
