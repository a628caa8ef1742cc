"""What a group is like: drawn anew for each, over orders of magnitude."""

from dataclasses import dataclass

import numpy as np

__all__ = ["PROTOCOLS", "Protocol", "Traits", "draw_traits"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a protocol agrees.

    Attributes:
        number: 1 Raft, 2 PBFT, 3 HotStuff.
        rounds: message rounds to commit.
        squared: whether every member talks to every other in a round.
        tolerates_lies: whether a quorum outvotes members that lie.
        election_s: usual time without a leader when it is lost.
    """

    number: int
    rounds: float
    squared: bool
    tolerates_lies: bool
    election_s: float


PROTOCOLS = {
    "raft": Protocol(1, 1.0, squared=False, tolerates_lies=False, election_s=1.5),
    "pbft": Protocol(2, 3.0, squared=True, tolerates_lies=True, election_s=3.0),
    "hotstuff": Protocol(3, 4.0, squared=False, tolerates_lies=True, election_s=1.0),
}
"""By name.

Sources: Ongaro and Ousterhout, USENIX ATC 2014; Castro and Liskov, OSDI 1999; Yin et al., PODC 2019.
"""

_SIZES = {False: (3, 5, 7), True: (4, 7, 10)}
_TIER_RTT_MS = (0.4, 4.0, 25.0)


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one group.

    Attributes:
        protocol: a name among `PROTOCOLS`.
        members: how many there are.
        tier: 1 near to 3 far.
        profile: 1 to 3.
        rtt_ms: usual round trip between two members.
        fsync_ms: usual fsync of a log.
        load_hz: usual requests a second.
        spare: capacity over the usual load.
        noise: spread of the logarithm of what is measured in a second.
    """

    protocol: str
    members: int
    tier: int
    profile: int
    rtt_ms: float
    fsync_ms: float
    load_hz: float
    spare: float
    noise: float

    @property
    def quorum(self) -> int:
        """Members that must agree."""
        lies = PROTOCOLS[self.protocol].tolerates_lies
        return 2 * ((self.members - 1) // 3) + 1 if lies else self.members // 2 + 1


def draw_traits(rng: np.random.Generator) -> Traits:
    """A group of any kind."""
    protocol = str(rng.choice(list(PROTOCOLS)))
    tier = int(rng.integers(1, 4))
    return Traits(
        protocol=protocol,
        members=int(rng.choice(_SIZES[PROTOCOLS[protocol].tolerates_lies])),
        tier=tier,
        profile=int(rng.integers(1, 4)),
        rtt_ms=_TIER_RTT_MS[tier - 1] * float(np.exp(rng.normal(0.0, 0.4))),
        fsync_ms=float(np.exp(rng.uniform(np.log(0.5), np.log(8.0)))),
        load_hz=float(np.exp(rng.uniform(np.log(30.0), np.log(2000.0)))),
        spare=float(rng.uniform(2.0, 6.0)),
        noise=float(rng.uniform(0.05, 0.25)),
    )
