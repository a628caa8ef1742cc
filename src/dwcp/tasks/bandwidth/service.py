"""A forecast that is always fresh, and an account of how right forecasts were.

For one thread; time is an argument.
"""

from collections import deque
from pathlib import Path

from dwcp.errors import InputError
from dwcp.tasks.bandwidth.accuracy import Accuracy, Sample, accuracy_of, write_samples
from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.drift import Drift
from dwcp.tasks.bandwidth.forecast import Forecast
from dwcp.tasks.bandwidth.measured import as_step
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor
from dwcp.tasks.bandwidth.series import usable

__all__ = ["ForecastService"]

_LATE_STEPS = 1.5
"""A step that ends later was not the one that was forecast."""


class ForecastService:
    """Forecasts of one path.

    Args:
        predictor: what forecasts; whatever else it forecasts goes on beside.
        path: which link.
        refresh_s: how old a forecast may be when it is asked for.
        keep: samples that are kept; of more, the oldest go.

    Raises:
        InputError: the period is not positive, or fewer than one sample is kept.
    """

    def __init__(
        self, predictor: BandwidthPredictor, path: str = "", refresh_s: float = 1.0, keep: int = 86_400
    ) -> None:
        if not refresh_s > 0 or keep < 1:
            raise InputError(
                f"a forecast service takes a positive period and keeps one sample or more, "
                f"not {refresh_s} s and {keep}"
            )
        self._predictor, self._path, self._refresh_s = predictor, path, refresh_s
        self._samples: deque[Sample] = deque(maxlen=keep)
        self._latest: Forecast | None = None
        self._judged: Forecast | None = None
        self._last_mbps: float | None = None

    @property
    def name(self) -> str:
        """The predictor's."""
        return self._predictor.name

    @property
    def retraining(self) -> tuple[Drift, ...]:
        """The last drift of each of the predictor's paths for which retraining is wanted, oldest first."""
        return self._predictor.retraining

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Forecasts that were held against what came, oldest first."""
        return tuple(self._samples)

    def forecast(self, now: float) -> Forecast:
        """The forecast, made anew when there was a step since, or when it is too old.

        Args:
            now: seconds since 1970 UTC.
        """
        latest = self._latest
        if latest is None or not 0 <= now - latest.at_s < self._refresh_s:
            latest = self._latest = self._predictor.predict(path=self._path, now=now)
            self._judged = self._judged or latest
        return latest

    def observe(self, step: Step | float, now: float) -> Sample | None:
        """Take in a step.

        Args:
            step: what was measured in it.
            now: when it ended, in seconds since 1970 UTC.

        Returns:
            The forecast that was made first after the step before, with what came; None where there was
            none, nothing was measured, or too little was sent to measure the link by.
        """
        measured = as_step(step)
        judged, self._judged, self._latest = self._judged, None, None
        self._predictor.update(step, path=self._path, now=now)
        mbps = None if measured.app_limited else usable(measured)
        last, self._last_mbps = self._last_mbps, self._last_mbps if mbps is None else mbps
        if judged is None or mbps is None or now - judged.at_s > _LATE_STEPS * self._predictor.step_s:
            return None
        told = judged.action.next_step
        sample = Sample(
            now,
            self._path,
            judged.mode,
            mbps,
            last,
            told.low,
            told.mid,
            told.high,
            judged.action.confidence,
            " ".join(judged.notes),
        )
        self._samples.append(sample)
        return sample

    def accuracy(self, latest: int | None = None) -> Accuracy:
        """How right forecasts were.

        Args:
            latest: of that many samples at the end; of all that are kept unless given.
        """
        return accuracy_of(list(self._samples)[-latest:] if latest else list(self._samples))

    def export(self, file: Path) -> None:
        """Write the samples that are kept as CSV, whole or not at all.

        Raises:
            StorageError: the disk is full or the place may not be written.
        """
        write_samples(self._samples, file)
