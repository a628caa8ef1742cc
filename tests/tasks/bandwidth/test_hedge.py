import numpy as np
import pytest

from dwcp.tasks.bandwidth.hedge import Hedge


def taught(errors, times: int = 60) -> Hedge:
    hedge = Hedge.among(len(errors))
    for _ in range(times):
        hedge.learn(np.array(errors))
    return hedge


def test_the_best_expert_gets_the_weight_at_any_scale() -> None:
    for scale in (1e-4, 1e-2, 0.1):
        weights = taught([scale, 2 * scale, 3 * scale]).weights()
        assert weights.sum() == pytest.approx(1)
        assert weights[0] > 0.99


def test_what_was_right_long_ago_counts_no_more() -> None:
    hedge = taught([0.01, 0.1])
    for _ in range(100):
        hedge.learn(np.array([0.1, 0.01]))
    assert hedge.weights()[1] > 0.99


def test_errors_of_nobody_say_nothing() -> None:
    assert taught([0.0, 0.0]).losses == [0.0, 0.0]


def test_a_miss_is_a_miss() -> None:
    assert taught([0.5, 5.0]).weights().tolist() == pytest.approx([0.5, 0.5])


def test_many_steps_at_once_are_the_same_as_one_by_one() -> None:
    errors = np.random.default_rng(1).random((3, 20)) * 0.3
    one = Hedge.among(3)
    for column in errors.T:
        one.learn(column)
    assert Hedge.among(3).after(errors).losses == pytest.approx(one.losses)


def test_an_opinion_can_be_shortened_and_credit_given() -> None:
    hedge = taught([0.01, 0.02])
    assert 0.5 < hedge.lasting(1).weights()[0] < hedge.weights()[0]
    assert hedge.lasting(20).weights(credit=50.0)[1] > 0.99
    assert Hedge.among(2).lasting(20).losses == [0.0, 0.0]
