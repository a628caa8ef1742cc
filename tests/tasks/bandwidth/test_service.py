"""The service: a fresh forecast, an honest account, and two predictors held against each other."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from dwcp.errors import InputError, StorageError
from dwcp.tasks.bandwidth.accuracy import Accuracy, Sample, accuracy_of
from dwcp.tasks.bandwidth.comparison import compare
from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor
from dwcp.tasks.bandwidth.rules import RulePolicy
from dwcp.tasks.bandwidth.service import ForecastService
from dwcp.tasks.bandwidth.walks import WALKS


def service(rule: str = "last-value", **more: float) -> ForecastService:
    return ForecastService(BandwidthPredictor("internet", RulePolicy(rule, WALKS[rule])), **more)  # type: ignore[arg-type]


def rates(seed: int, length: int, spread: float = 0.3) -> list[float]:
    """Independent around one level: a mean is the best forecast there is."""
    return (100 * np.exp(spread * np.random.default_rng(seed).standard_normal(length))).tolist()


def timed(values: list[float]) -> list[tuple[float, Step]]:
    return [(float(second), Step(mbps)) for second, mbps in enumerate(values)]


def sample(actual: float, mid: float, last: float | None = None) -> Sample:
    return Sample(0.0, "", "internet", actual, last, mid - 10, mid, mid + 10, 0.5)


def test_a_forecast_is_fresh_whenever_it_is_asked_for() -> None:
    serving = service(refresh_s=2.0)
    first = serving.forecast(0.0)
    assert serving.forecast(1.9) is first
    assert serving.forecast(2.0) is not first
    assert serving.forecast(2.0).at_s == 2.0
    serving.observe(50.0, 2.1)
    assert serving.forecast(2.2).action.next_step.mid == pytest.approx(50.0)
    assert serving.forecast(1.0).at_s == 1.0


def test_the_first_forecast_of_a_step_is_held_against_it() -> None:
    serving = service(refresh_s=0.1)
    assert serving.observe(50.0, 0.0) is None
    for tenth in range(10):
        serving.forecast(tenth / 10)
    found = serving.observe(60.0, 1.0)
    assert found is not None
    assert (found.actual_mbps, found.last_mbps, found.epoch_s) == (60.0, 50.0, 1.0)
    assert found.mid_mbps == pytest.approx(50.0)
    assert serving.samples == (found,)


@pytest.mark.parametrize(
    "step", [Step(None), Step(math.nan), Step(-1.0), Step(3.0, app_limited=True)], ids=str
)
def test_what_is_no_measure_of_the_link_is_no_sample(step: Step) -> None:
    serving = service()
    serving.observe(50.0, 0.0)
    serving.forecast(0.0)
    assert serving.observe(step, 1.0) is None
    serving.forecast(1.0)
    later = serving.observe(70.0, 2.0)
    assert later is not None
    assert later.last_mbps == 50.0


def test_a_step_that_was_not_the_next_one_is_no_sample() -> None:
    serving = service()
    serving.observe(50.0, 0.0)
    serving.forecast(0.0)
    assert serving.observe(60.0, 7.0) is None


def test_the_figures() -> None:
    assert accuracy_of([]) == Accuracy(0)
    found = accuracy_of([sample(100, 110, 140), sample(100, 70, 80), sample(50, 50)])
    assert found.samples == 3
    assert found.within_20 == pytest.approx(2 / 3)
    assert found.mae_mbps == pytest.approx(40 / 3)
    assert found.last_value_mae_mbps == pytest.approx(30.0)
    assert found.skill == pytest.approx(1 - 20 / 30)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.width_mbps == pytest.approx(20.0)
    assert accuracy_of([sample(5, 5, 5)]).skill is None
    assert accuracy_of([sample(5, 5)]).last_value_mae_mbps is None


def test_accuracy_is_of_what_is_kept_or_of_the_latest() -> None:
    serving = service(keep=20)
    for second, mbps in enumerate([*[10.0] * 30, *[100.0] * 10]):
        serving.observe(mbps, second)
        serving.forecast(second)
    assert serving.accuracy().samples == 20
    assert serving.accuracy().within_20 == pytest.approx(19 / 20)
    assert serving.accuracy(latest=5).within_20 == 1.0
    assert serving.accuracy(latest=5).samples == 5


def test_samples_are_exported_as_csv(tmp_path: Path) -> None:
    serving = service(path="a, b")
    for second, mbps in enumerate([10.0, 20.0, 0.0, 0.0]):
        serving.observe(mbps, second)
        serving.forecast(second)
    file = tmp_path / "new" / "samples.csv"
    serving.export(file)
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [float(row["actual_mbps"]) for row in rows] == [20.0, 0.0, 0.0]
    assert {row["path"] for row in rows} == {"a, b"}
    assert rows[0]["last_mbps"] == "10.0"
    with pytest.raises(StorageError, match="cannot be written"):
        serving.export(file / "below")


def test_the_better_of_two_is_named_with_an_interval() -> None:
    found = compare(service("mean-of-5"), service("last-value"), timed(rates(1, 700)))
    assert found.winner == "first"
    assert found.first_mae_mbps < found.second_mae_mbps
    assert found.samples == 699
    assert found.difference_mbps is not None
    assert found.difference_mbps.high < 0
    assert found.line().startswith("mean-of-5 wins: the error of mean-of-5 less that of last-value is -")
    turned = compare(service("last-value"), service("mean-of-5"), timed(rates(1, 700)))
    assert turned.winner == "second"
    assert turned.line().startswith("mean-of-5 wins")


def test_two_of_a_kind_are_undecided() -> None:
    found = compare(service(), service(), timed(rates(2, 600)))
    assert (found.winner, found.first_mae_mbps) == ("undecided", found.second_mae_mbps)
    assert found.line().startswith("undecided: the error")


def test_the_winner_is_seldom_one_by_chance() -> None:
    """Two whose errors are the same but for chance."""
    rng = np.random.default_rng(3)
    steps = timed([100.0] * 900)
    winners = [compare(Noisy(rng), Noisy(rng), steps).winner for _ in range(60)]
    assert len(winners) - winners.count("undecided") <= 8


class Noisy(ForecastService):
    """Off by chance alone."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(BandwidthPredictor())
        self._rng = rng

    def forecast(self, _now: float) -> None:  # type: ignore[override]
        pass

    def observe(self, _step: Step, _now: float) -> Sample:  # type: ignore[override]
        return sample(100.0, 100.0 + float(self._rng.standard_normal()))


@pytest.mark.parametrize("length", [0, 1, 2, 299])
def test_few_samples_decide_nothing(length: int) -> None:
    found = compare(service("mean-of-5"), service("last-value"), timed(rates(1, length)))
    assert (found.winner, found.difference_mbps) == ("undecided", None)
    assert found.line() == f"undecided: {max(0, length - 1)} samples are too few"


def test_one_service_is_not_compared_with_itself() -> None:
    serving = service()
    with pytest.raises(InputError, match="with itself"):
        compare(serving, serving, timed(rates(1, 10)))


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in ({"refresh_s": 0.0}, {"refresh_s": math.nan}, {"keep": 0}):
        with pytest.raises(InputError, match="positive period"):
            service(**settings)
