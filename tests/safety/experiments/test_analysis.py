from itertools import pairwise

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.safety.experiments import (
    Arm,
    ExperimentPlan,
    Exposure,
    Metric,
    MetricKind,
    Outcome,
    Standing,
    Verdict,
    analyse,
    check_sample_ratio,
    observations_of,
    standing_of,
)

REGRET = Metric("regret")
GUARD = Metric("p99_ms", margin=2.0)
HITS = Metric("hit", MetricKind.PROPORTION, higher_is_better=True)


def plan(*arms: str, metric=REGRET, guardrails=(), **more) -> ExperimentPlan:
    named = tuple(Arm(name) for name in arms or ("control", "new"))
    return ExperimentPlan("codec", named, metric, tuple(guardrails), **more)


def seen_of(made: ExperimentPlan, draws: dict, units: int = 1500, seed: int = 1, times: int = 1):
    """Each arm's units in turn; a draw gives the values of one outcome."""
    rng = np.random.default_rng(seed)
    exposures, outcomes = [], []
    for number in range(units):
        for arm, draw in draws.items():
            unit = f"{arm}-{number}"
            exposures.append(Exposure(float(number), unit, arm))
            outcomes += [Outcome(float(number + later), unit, draw(rng)) for later in range(times)]
    names = [metric.name for metric in made.metrics]
    return observations_of([arm.name for arm in made.arms], names, exposures, outcomes)


def normal(regret: float, p99_ms: float = 10.0):
    return lambda rng: {"regret": rng.normal(regret), "p99_ms": rng.normal(p99_ms)}


def judged(made, draws, **more):
    return analyse(made, seen_of(made, draws, **more))


def test_a_better_arm_that_keeps_its_guardrails_is_rolled_out():
    found = judged(plan(guardrails=[GUARD]), {"control": normal(1.0), "new": normal(0.5, 10.5)})
    said = found.recommendation
    assert (said.verdict, said.arm, said.trusted) == (Verdict.ROLLOUT, "new", True)
    assert "new is better by regret -0." in said.why
    assert "1 guardrail kept" in said.why
    assert standing_of(found.findings[0].guardrails[0]) is Standing.KEPT


def test_a_better_arm_that_breaks_a_guardrail_is_rolled_back():
    found = judged(plan(guardrails=[GUARD]), {"control": normal(1.0), "new": normal(0.5, 13.0)})
    assert found.recommendation.verdict is Verdict.ROLLBACK
    assert "new breaks a guardrail of 2: p99_ms +3" in found.recommendation.why


def test_a_worse_arm_is_rolled_back_and_no_difference_goes_on():
    worse = judged(plan(), {"control": normal(1.0), "new": normal(1.5)})
    assert (worse.recommendation.verdict, worse.recommendation.arm) == (Verdict.ROLLBACK, "new")
    same = judged(plan(guardrails=[GUARD]), {"control": normal(1.0), "new": normal(1.0)})
    assert same.recommendation.verdict is Verdict.CONTINUE
    assert "may be better or worse" in same.recommendation.why


def test_a_better_arm_waits_until_its_guardrail_is_sure():
    found = judged(plan(guardrails=[Metric("p99_ms", margin=0.05)]), {"control": normal(1), "new": normal(0)})
    assert found.recommendation.verdict is Verdict.CONTINUE
    assert "better, but a guardrail is not sure yet: p99_ms" in found.recommendation.why


def test_too_few_units_are_too_little_data_whatever_the_effect():
    found = judged(plan(), {"control": normal(9.0), "new": normal(0.0)}, units=99)
    assert standing_of(found.findings[0].primary) is Standing.TOO_LITTLE
    assert found.recommendation.why == "new has too little data on regret"
    assert found.findings[0].primary.effect is None


def test_of_three_arms_the_best_is_rolled_out_and_each_gets_its_part_of_alpha():
    made = plan("control", "good", "bad", "best")
    draws = {"control": normal(1), "good": normal(0.6), "bad": normal(1.6), "best": normal(0.3)}
    found = judged(made, draws)
    assert (found.recommendation.verdict, found.recommendation.arm) == (Verdict.ROLLOUT, "best")
    assert {finding.primary.level for finding in found.findings} == {1 - 0.05 / 3}
    del draws["best"], draws["good"]
    made = plan("control", "bad", "same")
    found = judged(made, {**draws, "same": normal(1)})
    assert found.recommendation.verdict is Verdict.CONTINUE
    assert "bad is worse by regret" in found.recommendation.why


def test_proportions_where_more_is_better():
    def hits(share):
        return lambda rng: {"hit": rng.random() < share}

    found = judged(plan(metric=HITS), {"control": hits(0.5), "new": hits(0.65)})
    assert found.recommendation.verdict is Verdict.ROLLOUT
    effect, harm = found.findings[0].primary.effect, found.findings[0].primary.harm
    assert 0 < effect.low < 0.15 < effect.high
    assert (harm.low, harm.high) == (-effect.high, -effect.low)
    # Nothing but failures is no certainty.
    none = judged(plan(metric=HITS), {"control": hits(0), "new": hits(0)}, units=120)
    assert none.findings[0].primary.effect.high > 0.01


def test_a_unit_counts_once_however_often_it_decides():
    def usual(arm):
        means = np.random.default_rng(3 if arm == "new" else 4).normal(size=200).tolist()
        count = iter(range(10**6))
        return lambda rng: {"regret": means[next(count) // 50] + rng.normal() / 10}

    found = judged(plan(), {arm: usual(arm) for arm in ("control", "new")}, units=200, times=50)
    assert found.outcomes == 20_000
    assert found.findings[0].primary.looks[-1].arm_units == 200
    # With 10,000 outcomes an arm taken for independent, a difference by chance would look certain.
    assert found.recommendation.verdict is Verdict.CONTINUE


def test_looks_only_ever_narrow_and_hold_what_is_shown():
    compared = judged(plan(), {"control": normal(1), "new": normal(0.8)}).findings[0].primary
    looks = compared.looks
    assert len(looks) > 8
    for before, after in pairwise(looks):
        assert before.running_low <= after.running_low
        assert after.running_high <= before.running_high
        assert after.low <= after.running_high
    assert (compared.effect.low, compared.effect.high) == (looks[-1].running_low, looks[-1].running_high)


def test_what_was_seen_stays_seen_as_outcomes_are_added():
    draws = {"control": normal(1), "new": normal(0.8)}
    before, after = (
        judged(plan(), draws, units=units).findings[0].primary.looks[:-1] for units in (700, 1500)
    )
    assert len(before) < len(after)
    assert after[: len(before)] == before


def test_an_effect_that_turns_round_leaves_nothing_and_says_so():
    def turning(rng):
        turning.calls += 1
        return {"regret": rng.normal(-1 if turning.calls < 1000 else 5)}

    turning.calls = 0
    found = judged(plan(), {"control": normal(0), "new": turning}, units=4000)
    compared = found.findings[0].primary
    last = compared.looks[-1]
    assert last.running_low > last.running_high
    assert compared.contradictory
    assert (compared.effect.low, compared.effect.high) == (last.low, last.high)


def test_a_contradiction_cannot_be_trusted():
    def turning(rng):
        turning.calls += 1
        return {"regret": rng.normal(2 if turning.calls < 1000 else -3)}

    turning.calls = 0
    said = judged(plan("control", "new", "same"), {"control": normal(0), "new": turning, "same": normal(0)},
                  units=4000).recommendation  # fmt: skip
    assert (said.verdict, said.trusted) == (Verdict.CONTINUE, False)
    assert "early and late contradicts itself" in said.why


def test_a_broken_split_cannot_be_trusted():
    made = plan()
    whole = seen_of(made, {"control": normal(1.0), "new": normal(0.5)})
    assert analyse(made, whole).recommendation.trusted
    lost = [Exposure(0.0, f"new-{number}", "new") for number in range(1300)]
    lost += [Exposure(0.0, f"control-{number}", "control") for number in range(1500)]
    outcomes = [Outcome(1.0, each.unit, {"regret": 0.5 if each.arm == "new" else 1.0}) for each in lost]
    said = analyse(made, observations_of(["control", "new"], ["regret"], lost, outcomes)).recommendation
    assert (said.verdict, said.trusted) == (Verdict.CONTINUE, False)
    assert "control 1,500 of 1,400, new 1,300 of 1,400" in said.why


def test_the_sample_ratio_stays_silent_on_good_splits_and_knows_the_weights():
    rng = np.random.default_rng(5)
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    drawn = rng.multinomial(5000, list(shares.values()), size=2000).tolist()
    splits = [dict(zip(shares, counts, strict=True)) for counts in drawn]
    alarms = sum(not check_sample_ratio(split, shares).trusted for split in splits)
    assert alarms <= 8
    assert not check_sample_ratio({"a": 600, "b": 600}, {"a": 0.55, "b": 0.45}).trusted
    few = check_sample_ratio({"a": 5, "b": 0}, {"a": 0.5, "b": 0.5})
    assert (few.p_value, few.trusted) == (None, True)
    with pytest.raises(InputError, match="counted in d, which is no arm of a, b, c"):
        check_sample_ratio({"d": 1}, shares)


def test_units_of_two_arms_and_outcomes_without_exposure_are_left_out_and_counted():
    exposures = [Exposure(5, "a", "control"), Exposure(3, "a", "control"), Exposure(1, "b", "control"),
                 Exposure(2, "b", "new"), Exposure(1, "c", "new")]  # fmt: skip
    outcomes = [Outcome(4, "a", {"regret": 1.0}), Outcome(2, "a", {"regret": 9.0}), Outcome(3, "b", {}),
                Outcome(9, "z", {}), Outcome(2, "c", {"regret": 3.0}), Outcome(1, "c", {})]  # fmt: skip
    seen = observations_of(["control", "new"], ["regret"], exposures, outcomes)
    assert (seen.mixed, seen.unexposed, len(seen)) == (1, 2, 3)
    assert seen.exposed == {"control": 1, "new": 1}
    arms, means = seen.means_until("regret", len(seen))
    assert dict(zip(arms.tolist(), means.tolist(), strict=True)) == {0: 1.0, 1: 3.0}
    said = analyse(plan(), seen).recommendation
    assert "1 of 3 units met two arms" in said.why
    assert not said.trusted
    with pytest.raises(InputError, match="met arm 'old'; there are control, new"):
        observations_of(["control", "new"], [], [Exposure(0, "a", "old")], [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Codec"}, "is no name"),
        ({"arms": (Arm("a"),)}, "two arms or more"),
        ({"arms": (Arm("a"), Arm("a"))}, "a name of its own"),
        ({"arms": (Arm("a"), Arm("b", 0.0))}, "weight must be a number above 0"),
        ({"alpha": 0.0}, "alpha must be above 0"),
        ({"metric": GUARD}, "p99_ms decides, so it has no margin"),
        ({"guardrails": (Metric("x"),)}, "guardrail x needs a margin"),
        ({"guardrails": (Metric("regret", margin=0.0),)}, "metric needs a name of its own"),
        ({"least_units": 1}, "least_units"),
    ],
)
def test_a_plan_that_cannot_be_is_one_sentence(change, said):
    sound = {"name": "codec", "arms": (Arm("a"), Arm("b")), "metric": REGRET}
    with pytest.raises(InputError, match=said):
        ExperimentPlan(**{**sound, **change})
