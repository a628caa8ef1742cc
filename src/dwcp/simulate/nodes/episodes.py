"""What happens to a fleet: faults at one node or several, and benign events that look like them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BENIGN", "FAULTS", "Episode", "Phase", "schedule"]

FAULTS = (
    "cascading_failure",
    "disk_stall",
    "gc_pause",
    "memory_leak",
    "network_loss",
    "overload",
    "crash",
)
BENIGN = ("deploy", "load_spike", "backup_io")

Phase: TypeAlias = Literal["fault", "benign"]

_LEAST_STEPS = 60
_QUIET_STEPS, _EVENT_STEPS, _LEAK_STEPS = (30, 110), (10, 45), (50, 120)
_FAULT_SHARE = 0.5
_CASCADE_LAG = 6
_SHARED = ("load_spike",)


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that happens at one node.

    Attributes:
        kind: one of `FAULTS` or `BENIGN`.
        name: shared by the episodes of one event at several nodes.
        node: where.
        begin: first step.
        end: first step of the recovery.
        onset: steps until it has its full strength.
        recovery: steps until it is gone.
        severity: 0 to 1.
    """

    kind: str
    name: str
    node: int
    begin: int
    end: int
    onset: int
    recovery: int
    severity: float

    @property
    def phase(self) -> Phase:
        """Whether it is a fault."""
        return "fault" if self.kind in FAULTS else "benign"

    def strength(self, steps: int) -> NDArray[np.float64]:
        """Strength of each step, 0 to its severity: a ramp up, a plateau, a ramp down."""
        step = np.arange(steps)
        rising = (step - self.begin + 1) / self.onset
        falling = 1 - (step - self.end + 1) / (self.recovery + 1)
        return self.severity * np.clip(np.minimum(rising, falling), 0.0, 1.0)


def schedule(nodes: int, steps: int, quiet_steps: int, rng: np.random.Generator) -> list[Episode]:
    """Events one after the other with quiet between them, a fault first.

    Args:
        nodes: how many there are.
        steps: how long the part with events is; in a very short one, one fault fills most of it.
        quiet_steps: how long the quiet before it is.
        rng: where the chances come from.
    """
    if steps < _LEAST_STEPS:
        begin = quiet_steps + steps // 3
        kind = str(
            rng.choice([fault for fault in FAULTS if fault not in ("cascading_failure", "memory_leak")])
        )
        return [Episode(kind, f"{kind}-0", 0, begin, quiet_steps + steps, 1, 1, 1.0)]
    made: list[Episode] = []
    moment, number, last = quiet_steps, 0, quiet_steps + steps
    while True:
        moment += int(rng.integers(*_QUIET_STEPS)) // (1 if number else 4)
        fault = number == 0 or rng.random() < _FAULT_SHARE
        kind = str(rng.choice(FAULTS if fault else BENIGN))
        length = int(rng.integers(*(_LEAK_STEPS if kind == "memory_leak" else _EVENT_STEPS)))
        length = min(length, last - moment - 2)
        if length < _EVENT_STEPS[0] // 2:
            return made
        event = _event(kind, f"{kind}-{number}", nodes, (moment, moment + length), rng)
        made += event
        moment, number = max(episode.end + episode.recovery for episode in event), number + 1


def _event(
    kind: str, name: str, nodes: int, span: tuple[int, int], rng: np.random.Generator
) -> list[Episode]:
    """The episodes of one event: at one node, at all of them alike, or from one to the next."""
    begin, end = span
    order = [int(node) for node in rng.permutation(nodes)]
    if kind == "cascading_failure":
        order = order[: max(2, nodes // 2)]
    elif kind not in _SHARED:
        order = order[:1]
    lag = int(rng.integers(2, _CASCADE_LAG)) if kind == "cascading_failure" else 0
    severity = float(rng.uniform(0.35, 1.0))
    onset = int(rng.integers(1, 4)) if kind != "memory_leak" else end - begin
    recovery = int(rng.integers(1, 6))
    return [
        Episode(kind, name, node, min(begin + lag * place, end - 1), end, onset, recovery, severity)
        for place, node in enumerate(order)
    ]
