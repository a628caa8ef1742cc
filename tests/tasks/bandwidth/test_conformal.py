import numpy as np
import pytest

from dwcp.tasks.bandwidth.conformal import ScorePool, Tails, quantile


def covered(scores) -> float:
    tails, pool, inside = Tails(), ScorePool(), []
    for score in scores:
        bounds = tails.bounds(tails.ordered(pool))
        inside.append(bounds[0] <= score <= bounds[1])
        tails.learn(score, bounds)
    return float(np.mean(inside))


def test_quantile_lies_between_neighbours() -> None:
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0
    assert quantile([1.0, 2.0, 3.0], 0.001) == 1.0
    assert quantile([1.0, 2.0, 3.0], 0.999) == 3.0
    assert quantile([5.0], 0.5) == 5.0


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_intervals_cover_nine_in_ten_whatever_the_spread(spread: float) -> None:
    assert covered(np.random.default_rng(1).normal(0, spread, 2000)) == pytest.approx(0.9, abs=0.02)


def test_they_cover_when_the_link_changes() -> None:
    rng = np.random.default_rng(2)
    drifting = rng.normal(0, 1, 3000) * np.repeat([0.3, 2.0, 0.5], 1000)
    assert covered(drifting) == pytest.approx(0.9, abs=0.02)


def test_a_pool_holds_the_latest_thousand() -> None:
    pool = ScorePool()
    for score in range(20_000):
        pool.add(float(score))
    assert len(pool.scores) == 1000
    assert min(pool.scores) == 19_000
    assert len(pool.some(100)) == 100
    assert len(pool.some(0)) == 0


def test_without_scores_a_usual_set_stands_in() -> None:
    assert len(Tails().ordered(ScorePool())) == 20


def test_scores_are_bounded() -> None:
    tails = Tails()
    for _ in range(500):
        tails.learn(1e9, (-1.0, 1.0))
    assert len(tails.scores) == 200
    assert max(tails.scores) <= 50
    assert 0 < tails.high_level < tails.low_level <= 0.2
