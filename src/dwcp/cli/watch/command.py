"""``dwcp watch link``: a link's throughput second by second, and what is to come."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.forecasting import ModeOption, new_predictor
from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.output import note, say
from dwcp.cli.session import Session, session_of
from dwcp.cli.watch.meter import LinkMeter
from dwcp.cli.watch.screen import Seen, accuracy_words, screen
from dwcp.cli.watch.target import Target
from dwcp.errors import InputError, StorageError

if TYPE_CHECKING:
    from dwcp.tasks.bandwidth.predictor import BandwidthPredictor

__all__ = ["link"]

_EVERY_S = 1.0
_KEPT_EVERY_S = 30.0
"""What was learned is written so often: no more is lost when the process is killed."""


def link(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The other end.", show_default=False)],
    mode: ModeOption = "auto",
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after N seconds; at Ctrl-C unless given.")
    ] = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Watch the link to a host: what it carries each second, and what it will, with a 90 % interval.

    Measured are this host's TCP connections to the other end, as the kernel knows them; nothing is sent.
    While there is none, it is the network interface by which packets leave for it. What is learned of a link
    is kept for the next time, whatever ends this.

    For example: dwcp watch link backup.example.org:9440
    """
    session = session_of(context)
    target = Target.parse(host)
    predictor, by = new_predictor(session, registry, mode, _EVERY_S)
    memory = _memory(session)
    _recall(session, predictor, memory)
    keeping = _Keeping(session, predictor, memory, time.monotonic())
    note(session, f"{target.name}: once a second, by {by}")
    with interruptible(session):
        watching = _Watching(target, predictor)
        try:
            with screen(target.name, json=json) as show:
                for seen in watching.seconds(count):
                    show(seen)
                    keeping.now_and_then(time.monotonic())
        finally:
            keeping.last()
            if not json and watching.latest is not None and watching.latest.accuracy.samples:
                say(accuracy_words(watching.latest.accuracy))


class _Watching:
    """Measures once a second; forecasts of connections and of interfaces are kept apart."""

    def __init__(self, target: Target, predictor: "BandwidthPredictor") -> None:
        from dwcp.tasks.bandwidth.service import ForecastService

        self._target, self._meter = target, LinkMeter()
        self._new_service: Callable[[str], ForecastService] = lambda path: ForecastService(predictor, path)
        self._services: dict[str, ForecastService] = {}
        self.latest: Seen | None = None

    def seconds(self, count: int | None) -> Iterator[Seen]:
        """Each second, once it is over."""
        self._measure()
        due_s = time.monotonic()
        while count is None or count > 0:
            due_s = max(due_s + _EVERY_S, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))
            seen = self._measure()
            if seen is not None:
                yield seen
            count = None if count is None else count - 1

    def _measure(self) -> Seen | None:
        connections, interface = self._target.connections(), self._target.interface()
        measured = self._meter.measure(connections, interface, time.monotonic())
        if measured is None:
            return None
        path = f"{self._target.name} by {measured.source}"
        service = self._services.setdefault(path, self._new_service(path))
        now = time.time()
        service.observe(measured.step, now)
        self.latest = Seen(now, measured, service.forecast(now), service.accuracy())
        return self.latest


def _memory(session: Session) -> Path:
    """Where forecasts are kept: in the home, if there is one."""
    if session.home.is_dir():
        return session.home / "forecasts.json"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "dwcp" / "forecasts.json"


def _recall(session: Session, predictor: "BandwidthPredictor", memory: Path) -> None:
    if memory.exists():
        try:
            predictor.load(memory)
        except InputError as error:
            note(session, f"nothing is known from before: {error}")


class _Keeping:
    """Writes what was learned: every so often, and in the end."""

    def __init__(self, session: Session, predictor: "BandwidthPredictor", memory: Path, now: float) -> None:
        self._session, self._predictor, self._memory = session, predictor, memory
        self._kept_s = now

    def now_and_then(self, now: float) -> None:
        """Write, if that was some time ago; a failure is told in the end."""
        if now - self._kept_s >= _KEPT_EVERY_S:
            self._kept_s = now
            with suppress(StorageError):
                self._predictor.save(self._memory)

    def last(self) -> None:
        """Write, and say where that fails."""
        try:
            self._predictor.save(self._memory)
        except StorageError as error:
            note(self._session, f"what was learned is not kept: {error}")
