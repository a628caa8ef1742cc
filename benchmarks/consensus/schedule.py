"""What will be done to the cluster, and when: decided beforehand, by a seed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Role = Literal["leader", "follower", "majority", "all", "none"]


@dataclass(frozen=True)
class Severity:
    """How hard a fault may be, evenly on a logarithmic scale.

    Attributes:
        name: of the number, with its unit.
        least: the mildest.
        most: the hardest.
    """

    name: str
    least: float
    most: float

    def draw(self, rng: Random) -> float:
        """One of them."""
        low, high = sorted((math.log(self.least), math.log(self.most)))
        return round(math.exp(rng.uniform(low, high)), 4)


@dataclass(frozen=True)
class Type:
    """A kind of fault or benign event.

    Attributes:
        name: such as ``kill_leader``.
        act: what is done, whoever it is done to.
        role: whom it is done to.
        duration_s: shortest and longest.
        severity: None where there are no degrees.
    """

    name: str
    act: str
    role: Role
    duration_s: tuple[float, float] = (4.0, 10.0)
    severity: Severity | None = None


LOSS = Severity("loss_percent", 4, 30)
RATE = Severity("rate_kbit", 250, 1500)
CPU = Severity("cpu_percent", 4, 10)
DISK = Severity("frozen_s", 0.03, 0.15)
HOST = Severity("host_cores", 0.2, 1.0)
TIMES_UP = Severity("times", 2, 3)
TIMES_DOWN = Severity("times", 0.1, 0.3)


def _both(
    act: str, duration_s: tuple[float, float] = (4, 10), severity: Severity | None = None
) -> list[Type]:
    roles: tuple[Role, Role] = ("leader", "follower")
    return [Type(f"{act}_{role}", act, role, duration_s, severity) for role in roles]


FAULTS: tuple[Type, ...] = (
    *_both("kill"),
    *_both("pause", (2, 6)),
    *_both("partition"),
    *_both("asym"),
    *_both("loss", severity=LOSS),
    *_both("rate", severity=RATE),
    *_both("cpu", severity=CPU),
    *_both("slowdisk", severity=DISK),
    *_both("diskhang", (2, 6)),
    Type("quorum_loss", "kill", "majority", (4, 8)),
    Type("host_stress", "stress", "all", (5, 9), HOST),
)
BENIGN: tuple[Type, ...] = (
    Type("load_up", "load", "none", (8, 15), TIMES_UP),
    Type("load_down", "load", "none", (8, 15), TIMES_DOWN),
    Type("big_values", "big_values", "none", (8, 12)),
    Type("defrag", "defrag", "follower", (2, 2)),
    Type("move_leader", "move_leader", "none", (2, 2)),
)
ABSENCES: tuple[Type, ...] = (
    Type("restart_follower", "kill", "follower", (0.1, 0.3)),
    Type("gone_follower", "kill", "follower", (75.0, 80.0)),
)
"""A member that is back at once, all its counters at zero, and one that is gone for long, then back."""
_GAP_S = (15.0, 20.0)
_FAULTS_A_BENIGN = 3


@dataclass(frozen=True)
class Planned:
    """One fault or benign event to come.

    Attributes:
        kind: ``fault`` or ``benign``.
        type: which.
        gap_s: how long all is left alone before it.
        duration_s: how long it lasts.
        severity: how hard; None where there are no degrees.
    """

    kind: Literal["fault", "benign"]
    type: Type
    gap_s: float
    duration_s: float
    severity: float | None

    @property
    def params(self) -> dict[str, float]:
        """As they are recorded."""
        told = {"duration_s": round(self.duration_s, 2)}
        if self.type.severity is not None and self.severity is not None:
            told[self.type.severity.name] = self.severity
        return told


def plan(rounds: int, rng: Random, types: Sequence[Type] = FAULTS) -> Iterator[Planned]:
    """Every type once a round in an order of its own, and a benign event after each third fault."""
    benign = list(BENIGN)
    rng.shuffle(benign)
    done = 0
    for _ in range(rounds):
        for type_ in rng.sample(types, len(types)):
            yield _planned("fault", type_, rng)
            done += 1
            if done % _FAULTS_A_BENIGN == 0:
                yield _planned("benign", benign[done // _FAULTS_A_BENIGN % len(benign)], rng)


def expected_s(planned: Sequence[Planned]) -> float:
    """About how long it takes, with recovery."""
    return sum(one.gap_s + one.duration_s + 2.5 for one in planned)


def targets(role: Role, leader: int, members: Sequence[int], rng: Random) -> tuple[int, ...]:
    """Whom it is done to.

    Args:
        role: as planned.
        leader: who leads now; 0 where nobody does, and then the first counts as leader.
        members: all of them.
        rng: chooses among several.
    """
    led_by = leader or members[0]
    match role:
        case "leader":
            return (led_by,)
        case "follower":
            return (rng.choice([one for one in members if one != led_by]),)
        case "majority":
            return tuple(sorted(rng.sample(members, len(members) // 2 + 1)))
        case "all":
            return tuple(members)
        case "none":
            return ()


def _planned(kind: Literal["fault", "benign"], type_: Type, rng: Random) -> Planned:
    severity = type_.severity.draw(rng) if type_.severity else None
    return Planned(kind, type_, rng.uniform(*_GAP_S), rng.uniform(*type_.duration_s), severity)
