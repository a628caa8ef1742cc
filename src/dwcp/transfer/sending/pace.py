"""The pace guard: what idle streams tell of the link, above any estimate and any hint.

An estimate made from what was sent cannot see what was not. Where streams are idle while encoders work, the
link may be faster than it is taken for, and a faster codec better; where bundles pile up, it may be slower,
and a stronger codec better. Or not: with some data, what costs least leaves one or the other idle. So the
guard tries: for a moment it takes the link for faster or slower by a factor, and keeps to that where more
plain bytes a second went out. After each trial that failed it waits twice as long before the next.
"""

from msgspec import Struct

__all__ = ["Pace"]

_SETTLING_S = 0.3
"""At the beginning streams wait for the first bundles, whatever the codec."""
_WINDOW_S = 0.25
_LONGEST_WINDOW_S = 1.0
_WINDOW_SAMPLES = 4
_MANY = 0.5
"""Share of a window's samples, or of its time, that says something."""
_BETTER = 1.05
_AS_GOOD = 0.97
"""Is enough to go back towards the estimate."""
_UP, _DOWN = (2.0, 4.0, 8.0), (0.5, 0.25, 0.125)
"""Steps after no failure, one, and more."""
_LEAST, _MOST = 1 / 16, 64.0
_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0


class _Direction(Struct):
    """Trials of one kind: with a faster link, or with a slower one."""

    steps: tuple[float, ...]
    not_before_s: float
    wait_s: float = _WAIT_S
    failures: int = 0

    def step(self) -> float:
        """By how much to try next."""
        return self.steps[min(self.failures, len(self.steps) - 1)]

    def succeeded(self) -> None:
        """The next trial may follow at once."""
        self.failures, self.wait_s = 0, _WAIT_S

    def failed(self, now: float) -> None:
        """The next trial has to wait."""
        self.failures += 1
        self.not_before_s = now + self.wait_s
        self.wait_s = min(2 * self.wait_s, _LONGEST_WAIT_S)


class _Trial(Struct, frozen=True):
    direction: _Direction
    factor: float
    plain_bytes_per_s: float


class Pace:
    """By how much the link is taken for faster or slower than estimated; for one thread at a time.

    Attributes:
        factor: 1/16 to 64.
    """

    def __init__(self, now: float) -> None:
        """Begin at the estimate.

        Args:
            now: seconds.
        """
        self.factor = 1.0
        self._up = _Direction(_UP, now + _SETTLING_S)
        self._down = _Direction(_DOWN, now + _SETTLING_S)
        self._trial: _Trial | None = None
        self._begin_window(now)

    def note(self, now: float, *, starved: bool, plain_bytes: int, busy_s: float, blocked_s: float) -> None:
        """An encoder comes for the next bundle, which is there: it does not wait for input.

        Args:
            now: seconds.
            starved: a stream was idle when its last bundle was ready.
            plain_bytes: of that bundle.
            busy_s: what it took the encoder.
            blocked_s: how long nobody took it from the encoder.
        """
        self._samples += 1
        self._starved += starved
        self._plain_bytes += plain_bytes
        self._busy_s += busy_s
        self._blocked_s += blocked_s
        length_s = now - self._began_s
        if length_s < _WINDOW_S or (self._samples < _WINDOW_SAMPLES and length_s < _LONGEST_WINDOW_S):
            return
        self._conclude(now, self._plain_bytes / length_s)
        self._begin_window(now)

    def _conclude(self, now: float, plain_bytes_per_s: float) -> None:
        """What a window says."""
        if self._trial is not None:
            self._end(self._trial, now, plain_bytes_per_s)
        elif self._starved >= _MANY * self._samples:
            self._try(self._up, now, plain_bytes_per_s)
        elif self._starved == 0 and self._blocked_s >= _MANY * (self._busy_s + self._blocked_s):
            self._try(self._down, now, plain_bytes_per_s)

    def _try(self, direction: _Direction, now: float, plain_bytes_per_s: float) -> None:
        if now >= direction.not_before_s:
            self._trial = _Trial(direction, self.factor, plain_bytes_per_s)
            self.factor = min(max(self.factor * direction.step(), _LEAST), _MOST)

    def _end(self, trial: _Trial, now: float, plain_bytes_per_s: float) -> None:
        self._trial = None
        goes_back = trial.direction is self._down and self.factor >= 1.0
        if plain_bytes_per_s >= (_AS_GOOD if goes_back else _BETTER) * trial.plain_bytes_per_s:
            trial.direction.succeeded()
        else:
            self.factor = trial.factor
            trial.direction.failed(now)

    def _begin_window(self, now: float) -> None:
        self._began_s = now
        self._samples = self._starved = self._plain_bytes = 0
        self._busy_s = self._blocked_s = 0.0
