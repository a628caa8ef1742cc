"""The published interface: a predictor that is told what links carry, and says what they will.

It keeps what a policy does not: the history of each path, its mode, and whether the forecasts still hold.
Time is an argument of every call; without it the clock is read.
"""

import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Protocol, runtime_checkable

from dwcp.errors import InputError
from dwcp.evaluation.files import atomic_write
from dwcp.evaluation.policy import Policy
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Regime, Step
from dwcp.tasks.bandwidth.drift import Drift, DriftWatch
from dwcp.tasks.bandwidth.forecast import (
    MODES,
    Forecast,
    Mode,
    Note,
    blended,
    doubted,
    notes_on,
    prudent,
    remarks_on,
)
from dwcp.tasks.bandwidth.measured import as_step, is_whole
from dwcp.tasks.bandwidth.modes import ModeDetector, ModeSettings
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.series import series_of, usable

__all__ = ["Adaptive", "BandwidthPredictor"]

_FORMAT = 2
_MOST_PATHS = 256
_MOST_MISSED = 60
"""Steps without a measurement that are filled in; by more, all history is gone anyway."""
_SETTLED_TIMES = 1.05
"""A drift is told until its widening is less than that."""
_JUMP_TIMES = 30.0
"""A measurement so many times its forecast, or such a part of it, is a jump."""
_ASTRAY_TIMES = 2.0
"""How much wider a forecast is when time went back, after a jump, or after what could not be true."""
_VIEWS: tuple[Regime, ...] = ("datacenter", "internet")
_NOT_OURS = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)
"""What understanding a file can end with that something else wrote, or damaged."""


@runtime_checkable
class Adaptive(Protocol):
    """A policy that adapts to a path."""

    def forget(self, path: str) -> None:
        """Begin anew with a path: what was adapted to it is no longer true."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """A forecast whose step is not over.

    Attributes:
        context: what it was made from.
        action: the policy's own, which it learns from.
        told: what was told, which may be wider.
    """

    context: Context
    action: Action
    told: Quantiles


@dataclass(slots=True)
class _Path:
    """What is known of one path."""

    detector: ModeDetector
    last_s: float | None = None
    asked: _Asked | None = None
    remarks: tuple[Note, ...] = ()
    """On the last measurement."""


class BandwidthPredictor:
    """Forecasts of some hundred paths; of more, those not heard of for longest are forgotten.

    Args:
        mode: one for all paths, or ``auto``.
        policy: what forecasts, and is told of every outcome; the blend of simple rules unless given.
        step_s: length of a step.
        mode_settings: how readily ``auto`` changes the mode.
        clock: seconds since 1970 UTC.
        seed: seed of the generator that the policy is handed.

    Attributes:
        step_s: length of a step.

    Raises:
        InputError: no such mode, or a step that is not positive.
    """

    def __init__(
        self,
        mode: Mode = "auto",
        policy: Policy[Context, Action, Outcome] | None = None,
        step_s: float = 1.0,
        mode_settings: ModeSettings | None = None,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
    ) -> None:
        if mode not in MODES:
            raise InputError(f"there is no mode {mode!r}; there are {', '.join(MODES)}")
        if not 0 < step_s < float("inf"):
            raise InputError(f"a step must be a positive number of seconds, not {step_s}")
        self._policy = BlendPolicy() if policy is None else policy
        self._set_mode, self.step_s = mode, step_s
        self._mode_settings, self._clock, self._rng = mode_settings, clock, Random(seed)
        self._drift = DriftWatch()
        self._paths: OrderedDict[str, _Path] = OrderedDict()

    @property
    def name(self) -> str:
        """The policy's."""
        return self._policy.name

    @property
    def mode(self) -> Regime:
        """The mode of the path heard of last."""
        return self.mode_of(next(reversed(self._paths), ""))

    @property
    def retraining(self) -> tuple[Drift, ...]:
        """The last drift of each path for which retraining is wanted, oldest first."""
        return self._drift.queue

    def take_retraining(self) -> tuple[Drift, ...]:
        """The same, and nothing is wanted any more: for whoever retrains."""
        return self._drift.take_queue()

    def mode_of(self, path: str) -> Regime:
        """The mode of a path; ``unknown`` where nothing is known of it."""
        if self._set_mode != "auto":
            return self._set_mode
        known = self._paths.get(path)
        return "unknown" if known is None else known.detector.mode

    def predict(
        self, history: Sequence[Step | float] | None = None, path: str = "", now: float | None = None
    ) -> Forecast:
        """Forecast the next steps of a path. Asked again within a step, the first answer is the one judged.

        Args:
            history: what was measured, oldest first, as steps or throughputs in Mbit/s; what `update` was
                told unless given.
            path: which link.
            now: seconds since 1970 UTC; the clock's unless given.

        Raises:
            InputError: the time is no finite number.
        """
        at_s = self._moment(now)
        known = self._known(path)
        detector = known.detector if history is None else self._replayed(history, path, at_s)
        mode = detector.mode if self._set_mode == "auto" else self._set_mode
        missed = 0 if history is not None else len(self._missed(known, at_s + self.step_s))
        steps, everything = (detector.history(which) + (Step(None),) * missed for which in (mode, "unknown"))
        context = Context(steps, self.step_s, at_s, path, mode)
        action = self._decided(context)
        drifted = self._drift.widening(path) > _SETTLED_TIMES
        remarks = known.remarks if history is None else ()
        notes = tuple(dict.fromkeys((*remarks, *notes_on(context, drifted=drifted))))
        seen = series_of(Context(everything, self.step_s, at_s))
        told = prudent(doubted(action, self._doubt(path, remarks, notes)), seen)
        wanted = self._drift.queued(path)
        forecast = Forecast(told, mode, path, at_s, len(context.steps), notes, wanted)
        if known.asked is None or abs(at_s - known.asked.context.epoch_s) >= self.step_s:
            known.asked = _Asked(context, action, forecast.action.next_step)
        return forecast

    def update(self, actual: Step | float, path: str = "", now: float | None = None) -> Drift | None:
        """Take in what a step carried: the history, the mode, and all that learns from forecasts.

        Args:
            actual: the step, or its throughput in Mbit/s. What cannot be is left out.
            path: which link.
            now: seconds since 1970 UTC; the clock's unless given. Steps that were missed are filled in as
                not measured.

        Returns:
            The drift of the path, where it has just been noticed.

        Raises:
            InputError: the time is no finite number.
        """
        at_s = self._moment(now)
        known, step = self._known(path), as_step(actual)
        went_back = known.last_s is not None and at_s < known.last_s
        jumped = known.asked is not None and _jumped(known.asked.told, step)
        known.remarks = remarks_on(is_whole=is_whole(actual), went_back=went_back, jumped=jumped)
        for missed in self._missed(known, at_s):
            known.detector.observe(Step(None), missed, path)
            known.asked = None
        known.detector.observe(step, at_s, path)
        known.last_s = at_s
        return self._learn(known, step, at_s)

    def save(self, file: Path) -> None:
        """Write what was learned as JSON, whole or not at all.

        Raises:
            StorageError: the disk is full or the place may not be written.
        """
        state = {
            "format": _FORMAT,
            "step_s": self.step_s,
            "policy": {**self._identity(), "state": self._policy.snapshot()},
            "drift": self._drift.snapshot(),
            "paths": {
                path: {"last_s": known.last_s, "detector": known.detector.snapshot()}
                for path, known in self._paths.items()
            },
        }
        atomic_write(file, json.dumps(state, allow_nan=False).encode())

    def load(self, file: Path) -> None:
        """Continue from what `save` wrote; nothing changes where that fails.

        Where the policy has another name than the one saved, as one with a new model has, retraining is done
        and no longer wanted.

        Raises:
            InputError: the file cannot be read, is of another kind of policy or length of step, or is no
                such file.
        """
        try:
            state = json.loads(file.read_bytes(), parse_constant=_refused)
        except OSError as error:
            raise InputError(f"{file} cannot be read: {str(error.strerror).lower()}") from error
        except _NOT_OURS as error:
            raise InputError(f"{file} holds no saved predictor; remove it to begin anew") from error
        try:
            found = (state["format"], state["policy"]["kind"], state["step_s"])
            paths = OrderedDict((path, self._restored(saved)) for path, saved in state["paths"].items())
        except _NOT_OURS as error:
            raise InputError(f"{file} holds no saved predictor; remove it to begin anew") from error
        wanted = (_FORMAT, self._identity()["kind"], self.step_s)
        if found != wanted:
            raise InputError(
                f"{file} was saved by another predictor (format, policy, step: {found}, not {wanted}); "
                "remove it to begin anew"
            )
        self._take(file, state, paths)

    def _take(self, file: Path, state: "dict[str, Any]", paths: "OrderedDict[str, _Path]") -> None:
        before = self._policy.snapshot(), self._drift.snapshot()
        try:
            self._policy.restore(state["policy"]["state"])
            self._drift.restore(state["drift"])
            if state["policy"]["name"] != self._policy.name:
                self._drift.take_queue()
        except _NOT_OURS as error:
            self._policy.restore(before[0])
            self._drift.restore(before[1])
            raise InputError(f"{file} holds no saved predictor; remove it to begin anew") from error
        self._paths = paths

    def _identity(self) -> dict[str, str]:
        """What the policy is called, and of what kind it is: a kind understands what it remembered."""
        return {"name": self._policy.name, "kind": type(self._policy).__name__}

    def _decided(self, context: Context) -> Action:
        """The policy's forecast; in hybrid conditions that of both regimes, the surer one counting more."""
        views = _VIEWS if context.regime == "hybrid" else (context.regime,)
        told = [
            self._policy.decide(replace(context, regime=view), context.epoch_s, self._rng).action
            for view in views
        ]
        return told[0] if len(told) == 1 else blended(told)

    def _known(self, path: str) -> _Path:
        known = self._paths.get(path)
        if known is None:
            known = self._paths[path] = _Path(ModeDetector(self._mode_settings))
            if len(self._paths) > _MOST_PATHS:
                self._paths.popitem(last=False)
        self._paths.move_to_end(path)
        return known

    def _replayed(self, history: Sequence[Step | float], path: str, now: float) -> ModeDetector:
        """A detector that has seen a history which ends now."""
        detector = ModeDetector(self._mode_settings)
        for back, measured in zip(range(len(history), 0, -1), history, strict=True):
            detector.observe(as_step(measured), now - (back - 1) * self.step_s, path)
        return detector

    def _missed(self, known: _Path, now: float) -> list[float]:
        """When the steps ended that lie between the last measurement and the one that ends now."""
        if known.last_s is None or now <= known.last_s:
            return []
        count = min(round((now - known.last_s) / self.step_s) - 1, _MOST_MISSED)
        return [now - back * self.step_s for back in range(count, 0, -1)]

    def _doubt(self, path: str, remarks: tuple[Note, ...], notes: tuple[Note, ...]) -> float:
        """Times wider, for what the policy does not know: a drift, and what was odd about a measurement."""
        doubtful = "clock_went_back" in remarks or "jumped" in remarks
        doubtful |= "bad_sample" in remarks and "stale" not in notes
        return self._drift.widening(path) * (_ASTRAY_TIMES if doubtful else 1.0)

    def _moment(self, now: float | None) -> float:
        at_s = self._clock() if now is None else now
        if not math.isfinite(at_s):
            raise InputError(f"the time of a forecast is a finite number of seconds, not {at_s}")
        return at_s

    def _learn(self, known: _Path, step: Step, now: float) -> Drift | None:
        """Hold the forecast against the step."""
        asked, known.asked = known.asked, None
        if asked is None:
            return None
        self._policy.observe(asked.context, asked.action, Outcome((step,)), now)
        mbps, path = usable(step), asked.context.path
        if mbps is None or step.app_limited:
            return None
        drift = self._drift.observe(path, asked.told, mbps, now)
        if drift is not None and isinstance(self._policy, Adaptive):
            self._policy.forget(path)
        return drift

    def _restored(self, saved: "dict[str, Any]") -> _Path:
        detector = ModeDetector(self._mode_settings)
        detector.restore(saved["detector"])
        return _Path(detector, None if saved["last_s"] is None else float(saved["last_s"]))


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _jumped(told: Quantiles, step: Step) -> bool:
    """Whether a step is far from what was told of it; a stop is something else."""
    mbps = usable(step)
    if not mbps or step.app_limited or not told.mid:
        return False
    return not 1 / _JUMP_TIMES < mbps / told.mid < _JUMP_TIMES
