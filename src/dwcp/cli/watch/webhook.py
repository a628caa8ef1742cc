"""A webhook: each event as one POST of JSON, from a thread of its own."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from dwcp.telemetry.sources.etcd.endpoint import Access
from dwcp.telemetry.sources.etcd.http import Answer, HttpClient, Outcome
from dwcp.telemetry.sources.prometheus.address import parse_address

__all__ = ["Webhook"]

_ROOM = 1000
_AGAIN = (408, 429)


class Webhook:
    """Sends events in order; whoever sends never waits.

    An event that is not taken after some tries is given up, and that is said. What is refused for good, as by
    status 404, is not tried again.

    Args:
        url: where events go.
        complain: is told what went wrong, from the webhook's thread.
        timeout_s: how long one try may take.
        tries: of each event.
        pause_s: before the second try; each later pause is twice as long.

    Raises:
        InputError: it is no such URL.
    """

    def __init__(
        self,
        url: str,
        complain: Callable[[str], None],
        *,
        timeout_s: float = 5.0,
        tries: int = 3,
        pause_s: float = 1.0,
    ) -> None:
        self._address = parse_address(url, "http://localhost:8080/alarms")
        self._complain = complain
        self._timeout_s, self._tries, self._pause_s = timeout_s, tries, pause_s
        encrypted = self._address.endpoint.encrypted
        self._context = Access().context() if encrypted else None
        self._events: queue.Queue[bytes | None] = queue.Queue(_ROOM)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dwcp-webhook", daemon=True)
        self._thread.start()

    def send(self, event: Mapping[str, object]) -> None:
        """Take an event; where a thousand wait already, it is given up, and that is said."""
        try:
            self._events.put_nowait(json.dumps(event, allow_nan=False).encode())
        except queue.Full:
            self._complain(f"an event was not sent to {self._address}: {_ROOM} others wait already")

    def close(self, within_s: float = 10.0) -> None:
        """Send what waits, for so long; what is left then is given up, and that is said."""
        self._ending.set()
        with suppress(queue.Full):
            self._events.put(None, timeout=within_s)
        self._thread.join(within_s)
        if self._thread.is_alive():
            self._complain(f"events that waited were not sent to {self._address} within {within_s:g} s")

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            answer = self._deliver(event)
            if answer.outcome is not Outcome.OK:
                self._complain(f"the webhook {self._address} did not take an event: {answer.why}")

    def _deliver(self, event: bytes) -> Answer:
        pause_s = self._pause_s
        for again in range(self._tries):
            if again:
                self._ending.wait(pause_s)
                pause_s *= 2
            answer = asyncio.run(self._post(event))
            if 300 <= answer.status < 500 and answer.status not in _AGAIN:
                break
            if answer.outcome is Outcome.OK:
                break
        return answer

    async def _post(self, event: bytes) -> Answer:
        client = HttpClient(self._address.endpoint, self._context)
        client.headers.update(self._address.headers)
        try:
            return await client.post(self._address.path or "/", event, self._timeout_s)
        finally:
            await client.close()
