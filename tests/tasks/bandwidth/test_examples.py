from dwcp.tasks.bandwidth.contract import HORIZON_STEPS
from dwcp.tasks.bandwidth.examples import simulated_cases


def test_examples_are_whole_moments_of_links_of_every_kind() -> None:
    cases = simulated_cases(300, 5)
    assert len(cases) == 300
    assert {case.context.link_type for case in cases} == {"dc", "metro", "wan", "edge"}
    assert {case.context.regime for case in cases} == {"datacenter", "internet"}
    for case in cases:
        (outcome,) = case.outcomes.values()
        assert len(outcome.steps) == HORIZON_STEPS
        assert len(case.context.steps) >= 2


def test_moments_of_a_link_follow_each_other() -> None:
    first, second = simulated_cases(300, 5)[:2]
    assert second.context.epoch_s - first.context.epoch_s == first.context.step_s
    (came,) = first.outcomes.values()
    assert second.context.steps[-1] == came.steps[0]
