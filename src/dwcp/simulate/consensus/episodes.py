"""What happens to a group: faults, and benign events that look like them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BENIGN", "FAULTS", "Episode", "schedule"]

FAULTS = (
    "partition",
    "byzantine",
    "cascading_failure",
    "coordinated_attack",
    "leader_storm",
    "queue_overflow",
    "disk_stall",
    "gc_pause",
)
BENIGN = ("load_up", "load_down", "big_values", "move_leader", "defragmentation")

_SHORT_S = 60
_QUIET_S, _EVENT_S = (12, 60), (5, 25)
_MOMENTARY = ("move_leader", "defragmentation")
_FAULT_SHARE = 0.6
_LEAST_SEVERITY = 0.4


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that happens.

    Attributes:
        kind: one of `FAULTS` or `BENIGN`.
        number: tells two of a kind apart.
        targets: members it is done to, in order.
        begin: first second.
        end: first second of the recovery.
        onset_s: seconds until it has its full strength.
        recovery_s: seconds until it is gone.
        severity: 0 to 1.
    """

    kind: str
    number: int
    targets: tuple[int, ...]
    begin: int
    end: int
    onset_s: int
    recovery_s: int
    severity: float

    @property
    def is_fault(self) -> bool:
        """Whether it is no benign event."""
        return self.kind in FAULTS

    @property
    def name(self) -> str:
        """Of the event."""
        return f"{self.kind} {self.number}"

    def strength(self, seconds: int) -> NDArray[np.float64]:
        """Strength of each second, 0 to its severity: a ramp up, a plateau, a ramp down."""
        second = np.arange(seconds)
        rising = (second - self.begin + 1) / self.onset_s
        falling = 1 - (second - self.end + 1) / (self.recovery_s + 1)
        return self.severity * np.clip(np.minimum(rising, falling), 0.0, 1.0)


def schedule(members: int, seconds: int, quiet_s: int, rng: np.random.Generator) -> list[Episode]:
    """Events one after the other with quiet between them, a fault first.

    Args:
        members: of the group.
        seconds: how long the part with events is; in a very short one, one fault fills half of it.
        quiet_s: how long the quiet before it is.
        rng: where the chances come from.
    """
    if seconds < _SHORT_S:
        begin = quiet_s + seconds // 4
        kind = str(rng.choice(["partition", "leader_storm", "queue_overflow", "disk_stall"]))
        return [
            Episode(kind, 0, _targets(kind, members, rng), begin, begin + max(2, seconds // 2), 1, 1, 1.0)
        ]
    made: list[Episode] = []
    moment, last = quiet_s, quiet_s + seconds
    while True:
        moment += int(rng.integers(*_QUIET_S))
        fault = not made or rng.random() < _FAULT_SHARE
        kind = str(rng.choice(FAULTS if fault else BENIGN))
        length = 2 if kind in _MOMENTARY else int(rng.integers(*_EVENT_S))
        if moment + length + 2 > last:
            return made
        made.append(
            Episode(
                kind,
                len(made),
                _targets(kind, members, rng),
                moment,
                moment + length,
                int(rng.integers(1, 4)) if length > 2 else 1,
                int(rng.integers(1, 6)) if length > 2 else 1,
                float(rng.uniform(_LEAST_SEVERITY, 1.0)),
            )
        )
        moment += length + made[-1].recovery_s


def _targets(kind: str, members: int, rng: np.random.Generator) -> tuple[int, ...]:
    """One member, or as many as the kind hits."""
    count = {"cascading_failure": members // 2 + 1, "coordinated_attack": max(1, members // 3)}.get(kind, 1)
    return tuple(int(member) for member in rng.permutation(members)[:count])
