"""Scrapes every member's ``/metrics`` at once, each within a deadline."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from dwcp.errors import SchemaError
from dwcp.telemetry.sources.etcd.http import HttpClient, Outcome
from dwcp.telemetry.sources.etcd.readings import Reading, parse_reading

__all__ = ["Scraper"]

DEADLINE_S = 0.7


class Scraper:
    """Reads all members side by side.

    Args:
        clients: by the member's number.
        deadline_s: how long a member may take; longer is no answer.
        now: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        clients: Mapping[int, HttpClient],
        deadline_s: float = DEADLINE_S,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.complaints: dict[int, str] = {}
        """Of members that gave no reading the last time: endpoint and reason, in one sentence."""
        self._clients = clients
        self._deadline_s = deadline_s
        self._now = now

    async def scrape(self) -> dict[int, Reading | None]:
        """A reading of each member; None of one that gave none."""
        self.complaints.clear()
        found = await asyncio.gather(*(self._read(*pair) for pair in self._clients.items()))
        return dict(zip(self._clients, found, strict=True))

    async def _read(self, member: int, client: HttpClient) -> Reading | None:
        begun_s = self._now()
        answer = await client.get("/metrics", self._deadline_s)
        taken_s = self._now()
        try:
            if answer.outcome is Outcome.OK:
                text = answer.body.decode("utf-8", "replace")
                return parse_reading(text, taken_s, (taken_s - begun_s) * 1e3)
            self.complaints[member] = f"{client.endpoint}: {answer.why}"
        except SchemaError as error:
            self.complaints[member] = f"{client.endpoint}: {error}"
        return None
