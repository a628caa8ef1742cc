"""Which members of a cluster went away, came back, or were started anew."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dwcp.telemetry.sources.etcd import MemberSecond

__all__ = ["Presence"]

_AWAY_S = 3
"""One that is silent for less may only be slow."""


class Presence:
    """Remembers since when each member is silent.

    Args:
        names: of the members, by their number from 1.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._silent_since_s: dict[int, int] = {}
        self._away: set[int] = set()

    def take(self, members: Sequence["MemberSecond"]) -> Iterator[tuple[str, str]]:
        """What a second changes: ``away``, ``back`` or ``restarted``, and the words for it."""
        for member in members:
            name = self._names[member.node - 1]
            if member.scrape_ok != 1:
                since_s = self._silent_since_s.setdefault(member.node, member.ts)
                if member.ts - since_s >= _AWAY_S - 1 and member.node not in self._away:
                    self._away.add(member.node)
                    yield "away", f"{name} has not answered for {_AWAY_S} s"
                continue
            silent_s = member.ts - self._silent_since_s.pop(member.node, member.ts)
            anew = "was started anew: its counters began again" if member.restarted else ""
            if member.node in self._away:
                self._away.remove(member.node)
                yield "back", f"{name} answers again after {silent_s} s{anew and ', and ' + anew}"
            elif anew:
                yield "restarted", f"{name} {anew}"
