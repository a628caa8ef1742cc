"""``dwcp watch etcd``: a cluster second by second, and whether it is failing."""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.detect_events import Episodes, Verdict
from dwcp.cli.failures import Status
from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.output import note
from dwcp.cli.session import session_of
from dwcp.cli.watch.options import CountOption, ExitOnAlarmFlag, WebhookOption
from dwcp.errors import InputError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.cli.detecting import Detector
    from dwcp.cli.watch.alarms import Teller
    from dwcp.tasks.consensus.contract import Step
    from dwcp.telemetry.sources.etcd import Access, EtcdSource, Probe, Second

__all__ = ["etcd"]

_PASSWORD = "DWCP_ETCD_PASSWORD"
_SHOWN = ("members_up", "latency_p50_ms", "latency_p99_ms", "oldest_ms", "fsync_ms_max", "peer_rtt_ms_max")


def etcd(
    context: typer.Context,
    endpoints: Annotated[
        str, typer.Option(metavar="URL,URL,...", help="Every member, with commas.", show_default=False)
    ],
    probe: Annotated[
        str,
        typer.Option(metavar="KIND", help="What tells how clients fare: read, write (8 bytes) or none."),
    ] = "read",
    cacert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who signs the members' certificates, PEM.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Our certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    user: Annotated[
        str,
        typer.Option(
            metavar="NAME[:PASSWORD]", help=f"Of etcd's own users; the password may be in {_PASSWORD}."
        ),
    ] = "",
    webhook: WebhookOption = None,
    count: CountOption = None,
    exit_on_alarm: ExitOnAlarmFlag = False,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Watch an etcd cluster second by second, and say when it begins to fail, still does, and ends.

    Each member is read, and a small client asks it a few times a second, as a quorum read unless --probe says
    otherwise. The exit status is 0 when no alarm stood, and 3 when one did. The detector goes on from
    what it learned the last time.

    For example: dwcp watch etcd --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379,http://10.0.0.3:2379
    """
    from dwcp.cli.detecting import Detector, memory_file
    from dwcp.cli.watch.alarms import telling
    from dwcp.cli.watch.keeping import Keeping
    from dwcp.tasks.consensus.task import TASK
    from dwcp.telemetry.sources.etcd import EtcdSource

    session = session_of(context)
    access = _access(cacert, cert, key, user)
    addresses = [one for one in endpoints.split(",") if one.strip()]
    source = EtcdSource(addresses, access=access, probe=_probe(probe))
    name = ",".join(f"{one.host}:{one.port}" for one in source.endpoints)
    with (
        interruptible(session),
        telling(name, json=json, webhook=webhook) as teller,
        closing(Detector(session, registry, TASK)) as detector,
    ):
        episodes = Episodes()
        file = memory_file(session, "etcd", name)
        keeping = Keeping(session, detector, episodes, file, time.time())
        note(session, f"{name}: once a second, by {detector.by}")
        watching = _Watching(name, source, detector, episodes, teller)
        try:
            for _ in watching.seconds(count):
                keeping.now_and_then(time.time())
                if exit_on_alarm and episodes.standing:
                    break
        finally:
            keeping.last(time.time())
            watching.tell_all()
    if episodes.alarmed:
        raise typer.Exit(Status.SHORT)


def _probe(kind: str) -> "Probe | None":
    from dwcp.telemetry.sources.etcd import Probe

    match kind:
        case "none":
            return None
        case "read":
            return Probe("read")
        case "write":
            return Probe("write")
        case _:
            raise InputError(f"there is no probe {kind!r}; there are read, write and none")


def _access(cacert: Path | None, cert: Path | None, key: Path | None, user: str) -> "Access":
    from dwcp.telemetry.sources.etcd import Access

    name, _, password = user.partition(":")
    password = password or os.environ.get(_PASSWORD, "")
    if name and not password:
        raise InputError(f"user {name!r} has no password; write --user {name}:PASSWORD, or set {_PASSWORD}")
    if key is not None and cert is None:
        raise InputError("a key is of no use without its certificate; give --cert too")
    return Access(cacert, cert, key, name, password)


class _Watching:
    """Judges the cluster each second, and says what changes."""

    def __init__(
        self, name: str, source: "EtcdSource", detector: "Detector", episodes: Episodes, teller: "Teller"
    ) -> None:
        from dwcp.cli.watch.members import Presence
        from dwcp.tasks.consensus.contract import STEPS, Step

        self._presence = Presence([f"{one.host}:{one.port}" for one in source.endpoints])
        self._name, self._source, self._detector = name, source, detector
        self._episodes, self._teller = episodes, teller
        self._steps: deque[Step] = deque(maxlen=STEPS)
        self._nothing = Step()
        self._last_s: int | None = None
        self._judged = 0

    def seconds(self, count: int | None) -> Iterator[None]:
        """Comes back after each second."""
        with closing(iter(self._source)) as seconds:  # type: ignore[type-var]
            for second in seconds:
                self._take(second)
                yield
                if count is not None and self._judged >= count:
                    return

    def tell_all(self) -> None:
        """How much there was."""
        told = {"seconds": self._judged, "alarms": self._episodes.began}
        words = f"{counted(self._judged, 'second')}, {counted(self._episodes.began, 'alarm')}"
        self._teller.end({**told, "standing": sorted(self._episodes.standing)}, words)

    def _take(self, second: "Second") -> None:
        from dwcp.tasks.consensus.seconds import step_of

        end_s = second.cluster.ts
        missing = end_s - self._last_s - 1 if self._last_s is not None else 0
        self._steps.extend([self._nothing] * min(max(missing, 0), self._steps.maxlen or 0))
        self._steps.append(step_of(second))
        self._last_s = end_s
        self._judged += 1
        self._teller.complaints(end_s, self._source.complaints)
        for kind, words in self._presence.take(second.members):
            self._teller.status(kind, end_s, words)
        verdict = self._verdict(end_s)
        event = self._episodes.take(verdict)
        if event is not None:
            self._teller.event(event)
        self._show(verdict)

    def _verdict(self, end_s: float) -> Verdict:
        from dwcp.cli.detect_reasons import cluster_verdict
        from dwcp.tasks.consensus.contract import Context, Outcome

        context = Context(self._name, tuple(self._steps))
        hint = self._detector.judge(context, partial(Outcome, kind="unknown"))
        return cluster_verdict(context, hint, end_s)

    def _show(self, verdict: Verdict) -> None:
        now: Step = self._steps[-1]
        known = (getattr(now, name) for name in _SHOWN)
        cells = ("-" if value is None else format(value, ".4g") for value in known)
        state = "ALARM" if verdict.alarm else "quiet"
        title = f"{self._name}: {counted(self._judged, 'second')}, {counted(self._episodes.began, 'alarm')}"
        self._teller.picture(title, ("cluster", "state", "score", *_SHOWN), [
            (self._name, state, f"{verdict.score:.2f}", *cells)
        ])  # fmt: skip
