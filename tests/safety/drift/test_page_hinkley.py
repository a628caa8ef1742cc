import json

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.safety.drift import DriftLevel, RegretDetector


def fed(values, detector=None) -> RegretDetector:
    detector = detector or RegretDetector()
    for value in values:
        detector.update(value)
    return detector


def test_skewed_regrets_that_stay_as_they_are_raise_nothing():
    rng = np.random.default_rng(1)
    found = [fed(rng.lognormal(0, 1, 10_000).tolist()) for _ in range(30)]
    assert sum(each.level is DriftLevel.DRIFT for each in found) == 0
    assert found[0].mean == pytest.approx(np.exp(0.5), rel=0.1)


def test_a_lasting_rise_is_found_within_some_hundred_outcomes_and_a_fall_is_none():
    rng = np.random.default_rng(2)
    for _ in range(20):
        detector = fed(rng.lognormal(0, 1, 4000).tolist())
        assert detector.level in (DriftLevel.NONE, DriftLevel.WATCH)
        fed((rng.lognormal(0, 1, 1000) + 1.0).tolist(), detector)
        assert detector.level is DriftLevel.DRIFT
    falling = fed((rng.lognormal(0, 1, 4000) + 5).tolist() + rng.lognormal(0, 1, 4000).tolist())
    assert falling.level is DriftLevel.NONE


def test_too_few_are_no_verdict_and_one_freak_is_no_drift():
    detector = RegretDetector(block=2, least_blocks=10)
    fed([1.0, 1.0] * 9, detector)
    assert (detector.level, detector.regrets) == (DriftLevel.TOO_LITTLE, 18)
    fed([1.0, 1.0, float("nan"), 1e9, 1.0], detector)
    assert (detector.level, detector.regrets) == (DriftLevel.NONE, 22)


def test_an_alarm_stands_until_it_is_cleared():
    rng = np.random.default_rng(3)
    detector = fed([*rng.normal(0, 1, 2000).tolist(), *rng.normal(3, 1, 1000).tolist()])
    assert detector.level is DriftLevel.DRIFT
    fed(rng.normal(0, 1, 5000).tolist(), detector)
    assert detector.level is DriftLevel.DRIFT
    detector.clear()
    assert (detector.level, detector.regrets, detector.score) == (DriftLevel.TOO_LITTLE, 0, 0.0)


def test_it_goes_on_from_a_snapshot_as_if_nothing_had_happened():
    values = np.random.default_rng(4).exponential(size=4000).tolist()
    whole, first = fed(values), fed(values[:1777])
    second = RegretDetector()
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert fed(values[1777:], second).snapshot() == whole.snapshot()
    for broken in ({}, {**first.snapshot(), "mean": "1"}, {**first.snapshot(), "sum": float("nan")}):
        with pytest.raises(InputError, match="saved state cannot be used"):
            second.restore(broken)
    with pytest.raises(InputError, match="blocks of one or more"):
        RegretDetector(block=0)
