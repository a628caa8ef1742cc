import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.safety.bucketing import RolloutBuckets
from dwcp.safety.experiments import Arm, Experiment, ExperimentPlan, Metric, check_sample_ratio

UNITS = [f"link-{number}" for number in range(20_000)]
NAMES = st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)


def plan(*weights: float, name: str = "codec") -> ExperimentPlan:
    arms = tuple(Arm(f"arm{number}", weight) for number, weight in enumerate(weights or (1.0, 1.0)))
    return ExperimentPlan(name, arms, Metric("regret"))


def counts_of(experiment: Experiment, units=UNITS) -> dict[str, int]:
    found = [experiment.arm(unit) for unit in units]
    return {arm: found.count(arm) for arm in set(found) - {None}}


@given(NAMES, st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_weights_are_honoured_within_chance(name, weights):
    made = plan(*weights, name=name)
    ratio = check_sample_ratio(counts_of(Experiment(made), UNITS[:4000]), made.shares)
    assert ratio.p_value is None or ratio.p_value > 1e-7


@given(NAMES, st.floats(0, 1), st.floats(0, 1), st.lists(st.text(max_size=20), max_size=50))
def test_growing_traffic_moves_no_unit_and_lets_none_out(name, one, other, units):
    low, high = sorted((one, other))
    few, many = Experiment(plan(1, 3, name=name), low), Experiment(plan(1, 3, name=name), high)
    for unit in [*units, *UNITS[:50]]:
        assert few.arm(unit) in (None, many.arm(unit))
        assert many.arm(unit) == Experiment(plan(1, 3, name=name), high).arm(unit)


def test_the_traffic_is_the_share_of_units_that_take_part():
    for traffic in (0.05, 0.5):
        taken = sum(counts_of(Experiment(plan(), traffic)).values())
        assert taken == pytest.approx(traffic * len(UNITS), rel=0.1)
    assert counts_of(Experiment(plan(), 0.0)) == {}
    assert sum(counts_of(Experiment(plan(), 1.0)).values()) == len(UNITS)
    assert counts_of(Experiment(plan(), running=False)) == {}


def test_experiments_and_rollouts_do_not_share_their_splits():
    first, second = Experiment(plan(name="a")), Experiment(plan(name="b"))
    both = sum(first.arm(unit) == second.arm(unit) for unit in UNITS)
    assert both / len(UNITS) == pytest.approx(0.5, abs=0.02)
    rollout = RolloutBuckets("a")
    inside = [unit for unit in UNITS if rollout.of(unit) < 1000]
    assert counts_of(first, inside)["arm0"] / len(inside) == pytest.approx(0.5, abs=0.04)
    # Nor does taking part foretell the arm.
    assert check_sample_ratio(counts_of(Experiment(plan(name="a"), 0.1)), plan().shares).trusted


def test_assignments_are_pinned_as_other_processes_must_agree():
    experiment = Experiment(plan(), 0.5)
    found = [experiment.arm(unit) for unit in UNITS[:8]]
    assert found == [None, None, "arm0", None, None, "arm0", None, "arm0"]


def test_traffic_out_of_range_is_refused():
    for traffic in (-0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match="traffic of experiment codec must be from 0 to 1"):
            Experiment(plan(), traffic)
