import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.safety.shadow import (
    ShadowDecision,
    ShadowRecords,
    ShadowTarget,
    ShadowVerdict,
    TaskValidation,
    validate_shadow,
)

TARGET = ShadowTarget(0.95)


def records(right, units=100, task="compression", **more) -> ShadowRecords:
    """A decision for each truth value, its unit in turn."""
    return ShadowRecords(
        (),
        tuple(
            ShadowDecision(
                when_s=float(number),
                task=task,
                unit=f"link-{number % units}",
                champion="1.0.0",
                candidate="1.1.0",
                champion_action="zstd-3",
                candidate_action="zstd-3" if number % 4 else "lz4",
                latency_ms=number / 100,
                correct=value,
                **more,
            )
            for number, value in enumerate(right)
        ),
        (),
        0,
    )


def judged(*args, target=TARGET, **more) -> TaskValidation:
    [found] = validate_shadow(records(*args, **more), target).tasks
    return found


def truths(share: float, count: int, seed: int = 1) -> list[bool]:
    return (np.random.default_rng(seed).random(count) < share).tolist()


@pytest.mark.parametrize(
    ("share", "count", "verdict", "said"),
    [
        (0.98, 5000, ShadowVerdict.PASS, "reaches 95.00%"),
        (0.90, 5000, ShadowVerdict.FAIL, "stays below 95.00%"),
        (0.95, 5000, ShadowVerdict.INCONCLUSIVE, "may lie on either side of 95.00%"),
        (1.0, 999, ShadowVerdict.INCONCLUSIVE, "of 999 judged decisions, where 1,000 are wanted"),
        (1.0, 1000, ShadowVerdict.PASS, "reaches 95.00%"),
    ],
)
def test_the_whole_interval_decides(share, count, verdict, said):
    found = judged(truths(share, count))
    assert found.verdict is verdict
    assert said in found.why
    assert found.accuracy.low <= share <= found.accuracy.high


def test_outcomes_that_are_not_known_are_not_judged_and_failures_are_wrong():
    found = judged([None] * 2000)
    assert (found.verdict, found.judged, found.accuracy) == (ShadowVerdict.INCONCLUSIVE, 0, None)
    assert "no outcome is known yet" in found.why
    found = judged([True] * 2000, failure="deadline")
    assert (found.verdict, found.accuracy.estimate, found.error_rate) == (ShadowVerdict.FAIL, 0.0, 1.0)
    assert found.agreement is None


def test_decisions_of_one_unit_say_less_than_as_many_independent_ones():
    independent = judged(truths(0.97, 5000), units=5000)
    # The same units are always right, or nearly always wrong: two in fifty.
    alike = judged([number % 50 >= 2 for number in range(5000)], units=50)
    assert independent.effective == pytest.approx(5000, rel=0.1)
    assert alike.effective < 60
    assert (independent.verdict, alike.verdict) == (ShadowVerdict.PASS, ShadowVerdict.INCONCLUSIVE)
    assert alike.accuracy.low < 0.9 < alike.accuracy.high
    assert "each decision counting by itself" in judged(truths(0.9, 5000), units=3).why
    assert "counting" not in independent.why


def test_figures_beside_the_accuracy():
    found = judged([True] * 2000, champion_regret=0.5, candidate_regret=0.25)
    assert (found.agreement, found.champion_regret, found.candidate_regret) == (0.75, 0.5, 0.25)
    assert found.p99_latency_ms == pytest.approx(19.8, abs=0.02)
    assert judged([True] * 10, champion_regret=0.5).champion_regret is None
    assert found.as_json()["verdict"] == "pass"


def test_a_log_is_as_good_as_its_worst_task():
    good, bad = records([True] * 2000), records([False] * 2000, task="bandwidth")
    few = records([True] * 10, task="prefetch")

    def verdict(*parts):
        whole = ShadowRecords((), tuple(each for part in parts for each in part.decisions), (), 0)
        return validate_shadow(whole, TARGET).verdict

    assert verdict(good) is ShadowVerdict.PASS
    assert verdict(good, few) is ShadowVerdict.INCONCLUSIVE
    assert verdict(good, few, bad) is ShadowVerdict.FAIL


def test_a_target_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="target accuracy must be above 0 and at most 1, not 95"):
        ShadowTarget(95)
    with pytest.raises(InputError, match="one decision or more"):
        ShadowTarget(0.9, min_decisions=0)
