"""Which network conditions a path is under: ``datacenter``, ``internet``, ``hybrid``, or not known.

Every ten seconds the last ten samples are looked at in four ways: how much the throughput varies, how long
round trips take, how much they vary, and how much is lost. Each is a ballot for the data centre, for the
internet, or for neither; rate and round trips alone fail, as a slow data centre and a fast wide-area link
look alike by them. With too few samples for a spread, the published thresholds decide: a data centre has
round trips below 10 ms and 1 Gbit/s or more, the internet above 50 ms or less than 1 Gbit/s.

A verdict changes the mode once it was given several times in a row, and not soon after the last change.
Where the throughput alone is known, it takes more to leave a mode than to stay, and samples that are neither
calm nor wild change nothing.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev
from typing import Any, cast

from dwcp.errors import InputError
from dwcp.evaluation.policy import State
from dwcp.tasks.bandwidth.contract import Regime, Step
from dwcp.tasks.bandwidth.series import STEPS

__all__ = ["ModeDetector", "ModeSettings", "published_mode", "verdict"]

_LEAST_SAMPLES = 5
"""Fewer say nothing of a spread."""
_CALM = 0.05, 0.10
"""Coefficient of variation of the throughput: a data centre's at most, and the internet's at least."""
_CALM_AFTER: dict[Regime, tuple[float, float]] = {"datacenter": (0.05, 0.15), "internet": (0.03, 0.10)}
"""The same where a mode holds: to leave it takes more than to stay. All were chosen on recorded traces that
no figure is of, see ``benchmarks/bandwidth_modes.py``."""
_NEAR_MS = 10.0, 20.0
_STEADY_MS = 0.5, 2.0
"""Mean deviation of round trips."""
_LOSSY = 1e-4
"""Share of packets lost, from which it speaks for the internet; losing nothing speaks for nothing."""
_RTT_WEIGHT = 2
"""Of the level of round trips: distance cannot be hidden. A wild link nearby outvotes it nevertheless."""
_INTERNET, _DATACENTER = 0.2, -0.5
"""Share of the ballots, the others subtracted, from which the conditions are of one kind."""
_PUBLISHED_MS = 10.0, 50.0
_PUBLISHED_MBPS = 1000.0


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """How readily the mode follows the verdicts.

    Attributes:
        every_s: time from one look at the samples to the next.
        samples: how many of the last samples are looked at.
        votes: equal verdicts in a row that change the mode; the first verdict of a path needs no second.
        cooldown_s: time after a change in which there is no other, and no less than until all samples are
            new; the first verdict is no change.
    """

    every_s: float = 10.0
    samples: int = 10
    votes: int = 3
    cooldown_s: float = 60.0

    def __post_init__(self) -> None:
        if not (self.every_s >= 0 and self.cooldown_s >= 0 and self.samples >= 1 and self.votes >= 1):
            raise InputError(
                f"mode detection takes times of 0 s or more, and counts of 1 or more, not {self}"
            )


def published_mode(rate_mbps: float | None, rtt_ms: float | None) -> Regime:
    """The published thresholds: what a rate and a round trip say by themselves; ``unknown`` if undecided."""
    if rate_mbps is None and rtt_ms is None:
        return "unknown"
    near_ms, far_ms = _PUBLISHED_MS
    if (rtt_ms or 0.0) > far_ms or (rate_mbps is not None and rate_mbps < _PUBLISHED_MBPS):
        return "internet"
    if rate_mbps is None or rtt_ms is None:
        return "unknown"
    return "datacenter" if rtt_ms < near_ms else "hybrid"


def verdict(steps: Sequence[Step], mode: Regime = "unknown") -> Regime:
    """What some samples say; ``unknown`` where nothing was measured, or what was leaves it open.

    Throughput alone that is neither calm nor wild leaves it open: then a mode that is known stays, and where
    none is, the published thresholds decide.

    Args:
        steps: the last samples, oldest first. Of a step with too little to send, the throughput is left out;
            so are all of a link that delivered nothing: any kind may be down.
        mode: the present one.
    """
    rates = _rates(steps)
    rtts = [step.rtt_ms for step in steps if step.rtt_ms is not None]
    if max(len(rates), len(rtts)) < _LEAST_SAMPLES:
        return published_mode(median(rates) if rates else None, median(rtts) if rtts else None)
    ballots: list[int] = []
    if len(rates) >= _LEAST_SAMPLES:
        ballots.append(_ballot(pstdev(rates) / fmean(rates), _CALM_AFTER.get(mode, _CALM)))
    if len(rtts) >= _LEAST_SAMPLES:
        jitters = [step.jitter_ms for step in steps if step.jitter_ms is not None]
        ballots += [_ballot(median(rtts), _NEAR_MS)] * _RTT_WEIGHT
        ballots.append(_ballot(fmean(jitters) if jitters else _mean_deviation(rtts), _STEADY_MS))
    losses = [step.packet_loss for step in steps if step.packet_loss is not None]
    if losses and fmean(losses) >= _LOSSY:
        ballots.append(1)
    lead = sum(ballots) / len(ballots)
    if lead >= _INTERNET:
        return "internet"
    if lead <= _DATACENTER:
        return "datacenter"
    if len(ballots) > 1:
        return "hybrid"
    return published_mode(median(rates), None) if mode == "unknown" else "unknown"


class ModeDetector:
    """The mode of one path at a time, and the history each mode forecasts from. Reads no clock.

    Every mode's history takes every step, so that a switch finds it whole.

    Args:
        settings: how readily it follows the verdicts.
    """

    def __init__(self, settings: ModeSettings | None = None) -> None:
        self._settings = settings or ModeSettings()
        self._histories = {mode: deque[Step](maxlen=steps) for mode, steps in STEPS.items()}
        self._path = ""
        self._mode: Regime = "unknown"
        self._candidate: Regime = "unknown"
        self._streak = self._steps = 0
        self._looked_s = self._changed_s = -math.inf

    @property
    def mode(self) -> Regime:
        """The mode; ``unknown`` until something was measured."""
        return self._mode

    def observe(self, step: Step, now: float, path: str = "") -> Regime:
        """Take in a sample, and give the mode.

        Args:
            step: what was measured.
            now: when, in seconds. Where it goes back, the waiting begins anew.
            path: another one than before begins anew.
        """
        if path != self._path:
            self._begin(path)
        for history in self._histories.values():
            history.append(step)
        self._steps += 1
        self._looked_s = min(self._looked_s, now)
        self._changed_s = min(self._changed_s, now)
        if self._mode == "unknown" or now - self._looked_s >= self._settings.every_s:
            self._looked_s = now
            latest = list(self._histories["unknown"])[-self._settings.samples :]
            self._vote(verdict(latest, self._mode), now)
        return self._mode

    def history(self, mode: Regime | None = None) -> tuple[Step, ...]:
        """The steps, oldest first, that a mode forecasts from; those of the present one unless named."""
        return tuple(self._histories[mode or self._mode])

    def snapshot(self) -> State:
        """What it remembers."""
        return {
            "path": self._path,
            "mode": self._mode,
            "looked_s": _finite(self._looked_s),
            "changed_s": _finite(self._changed_s),
            "candidate": self._candidate,
            "streak": self._streak,
            "since_steps": self._steps,
            "steps": [list(_cells(step)) for step in max(self._histories.values(), key=len)],
        }

    def restore(self, state: State) -> None:
        """Continue from a snapshot."""
        known = cast("dict[str, Any]", state)
        self._begin(str(known["path"]))
        self._mode = _regime(known["mode"])
        self._looked_s, self._changed_s = _time(known["looked_s"]), _time(known["changed_s"])
        self._candidate, self._streak = _regime(known["candidate"]), int(known["streak"])
        self._steps = int(known["since_steps"])
        for cells in known["steps"]:
            for history in self._histories.values():
                history.append(Step(*cells))

    def _begin(self, path: str) -> None:
        self._path = path
        self._mode = self._candidate = "unknown"
        self._streak = self._steps = 0
        self._looked_s = self._changed_s = -math.inf
        for history in self._histories.values():
            history.clear()

    def _vote(self, found: Regime, now: float) -> None:
        """Count a verdict; one of nothing counts for nothing."""
        if found == "unknown" or found == self._mode:
            self._streak = 0
            return
        self._streak = self._streak + 1 if found == self._candidate else 1
        self._candidate = found
        if self._mode == "unknown":
            self._mode, self._streak = found, 0
        elif self._streak >= self._settings.votes and self._has_cooled(now):
            self._mode, self._changed_s, self._streak, self._steps = found, now, 0, 0

    def _has_cooled(self, now: float) -> bool:
        return self._steps >= self._settings.samples and now - self._changed_s >= self._settings.cooldown_s


def _rates(steps: Sequence[Step]) -> list[float]:
    found = [
        step.throughput_mbps for step in steps if step.throughput_mbps is not None and not step.app_limited
    ]
    return found if any(found) else []


def _ballot(value: float, bounds: tuple[float, float]) -> int:
    """-1 for the data centre, 1 for the internet, 0 for neither."""
    return -1 if value <= bounds[0] else int(value >= bounds[1])


def _mean_deviation(values: Sequence[float]) -> float:
    mean = fmean(values)
    return fmean(abs(value - mean) for value in values)


def _cells(step: Step) -> tuple[object, ...]:
    return (
        step.throughput_mbps,
        step.rtt_ms,
        step.jitter_ms,
        step.packet_loss,
        step.retransmits,
        step.congestion_window,
        step.app_limited,
    )


def _regime(name: object) -> Regime:
    if name not in STEPS:
        raise ValueError(f"there is no mode {name!r}")
    return cast("Regime", name)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _time(value: float | None) -> float:
    return -math.inf if value is None else float(value)
