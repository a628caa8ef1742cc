import pytest

from dwcp.tasks.bandwidth.reliability import Reliability


def test_as_stated_where_nothing_is_known() -> None:
    assert [Reliability().calibrated(p) for p in (0.0, 0.37, 1.0)] == pytest.approx([0.0, 0.37, 1.0])


def test_what_came_true_less_often_is_believed_less() -> None:
    reliability = Reliability()
    for trial in range(2000):
        reliability.learn(0.9, trial % 2 == 0)
    assert reliability.calibrated(0.9) == pytest.approx(0.7, abs=0.15)
    assert reliability.calibrated(0.92) == pytest.approx(0.5, abs=0.1)
    assert reliability.calibrated(0.2) == pytest.approx(0.2)


def test_counts_are_bounded_and_restored() -> None:
    reliability = Reliability()
    for _ in range(10_000):
        reliability.learn(1.0, came_true=True)
    assert max(reliability.told) <= 2000
    again = Reliability()
    again.restore(reliability.told, reliability.true)
    assert again == reliability
