"""``dwcp watch nodes``: the nodes that a Prometheus knows, and which of them is failing."""

import time
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
from dwcp.errors import ConnectionLostError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.cli.detecting import Detector
    from dwcp.cli.watch.alarms import Teller
    from dwcp.telemetry.sources.prometheus import FleetStep, Outage, PrometheusSource

__all__ = ["nodes"]

_EVERY_S = 15.0
_SHOWN = ("cpu_usage", "memory_usage", "disk_io", "packet_loss", "error_rate", "p99_latency_ms")


def nodes(
    context: typer.Context,
    prometheus: Annotated[
        str, typer.Option(metavar="URL", help="The Prometheus server.", show_default=False)
    ],
    job: Annotated[str, typer.Option(metavar="NAME", help="The scrape job of the nodes.")] = "node",
    every: Annotated[float, typer.Option(min=1.0, metavar="SECONDS", help="Length of a step.")] = _EVERY_S,
    queries: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PromQL of your own, as TOML; node_exporter's names unless given."),
    ] = None,
    webhook: WebhookOption = None,
    count: CountOption = None,
    exit_on_alarm: ExitOnAlarmFlag = False,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Watch the nodes that a Prometheus scrapes, and say when one begins to fail, still does, and ends.

    Each step every node is judged by itself and beside the median of the others. The exit status is 0 when no
    alarm stood, and 3 when one did. Detectors go on from what they learned the last time.

    For example: dwcp watch nodes --prometheus http://localhost:9090 --job node
    """
    from dwcp.cli.detecting import Detector, memory_file
    from dwcp.cli.watch.alarms import telling
    from dwcp.cli.watch.keeping import Keeping
    from dwcp.tasks.reliability.task import TASK
    from dwcp.telemetry.sources.prometheus import NodeQueries, PrometheusSource, read_queries

    session = session_of(context)
    source = PrometheusSource(
        prometheus, job=job, every_s=every, queries=read_queries(queries) if queries else NodeQueries()
    )
    with (
        interruptible(session),
        telling(str(source.address), json=json, webhook=webhook) as teller,
        closing(Detector(session, registry, TASK)) as detector,
    ):
        episodes = Episodes()
        file = memory_file(session, "nodes", f"{source.address} {job} {every:g}")
        keeping = Keeping(session, detector, episodes, file, time.time())
        note(session, f"{source.address}: job {job}, every {every:g} s, by {detector.by}")
        watching = _Watching(source, detector, episodes, teller)
        try:
            for _ in watching.steps(count):
                keeping.now_and_then(time.time())
                if exit_on_alarm and episodes.standing:
                    break
        finally:
            keeping.last(time.time())
            watching.tell_all()
    if episodes.alarmed:
        raise typer.Exit(Status.SHORT)
    watching.require_steps()


class _Watching:
    """Judges every node in each step, and says what changes."""

    def __init__(
        self, source: "PrometheusSource", detector: "Detector", episodes: Episodes, teller: "Teller"
    ) -> None:
        from dwcp.cli.detect_fleet import FleetWindow

        self._source, self._detector = source, detector
        self._episodes, self._teller = episodes, teller
        self._window = FleetWindow()
        self._outage: Outage | None = None
        self._why = ""
        self._back_s = 0.0
        self._last_s: float | None = None
        self._judged = self._missed = 0

    def steps(self, count: int | None) -> Iterator[None]:
        """Comes back after each step."""
        with closing(iter(self._source)) as steps:  # type: ignore[type-var]
            for step in steps:
                if step.outage is not None:
                    self._away(step)
                else:
                    self._take(step)
                yield
                if step.when == "now" and count is not None:
                    count -= 1
                    if count <= 0:
                        return

    def tell_all(self) -> None:
        """How much there was."""
        told = {"steps": self._judged, "missed": self._missed, "alarms": self._episodes.began}
        words = f"{counted(self._judged, 'step')}, {counted(self._episodes.began, 'alarm')}"
        missed = f", {counted(self._missed, 'step')} without an answer" if self._missed else ""
        self._teller.end({**told, "standing": sorted(self._episodes.standing)}, words + missed)

    def require_steps(self) -> None:
        """Raises `ConnectionLostError` where nothing was judged."""
        if not self._judged and self._missed:
            raise ConnectionLostError(f"Prometheus at {self._source.address} told nothing ({self._why})")

    def _away(self, step: "FleetStep") -> None:
        outage = step.outage
        if outage is None or step.when != "now":
            return
        self._missed += 1
        if self._outage is None or self._outage.why != outage.why:
            tried = f"asked again every {self._source.every_s:g} s"
            self._teller.status("away", step.end_s, f"no word from Prometheus: {outage.why}; {tried}")
        self._outage, self._why = outage, outage.why
        self._back_s = step.end_s + self._source.every_s

    def _take(self, step: "FleetStep") -> None:
        if self._outage is not None:
            gone_s = self._back_s - self._outage.since_s
            self._teller.status("back", self._back_s, f"Prometheus tells again, after {gone_s:g} s")
            self._outage = None
        missing = round((step.end_s - (self._last_s or step.end_s)) / self._source.every_s) - 1
        self._window.add_gap(missing)
        self._last_s = step.end_s
        self._window.add({one.node: one.values for one in step.nodes})
        if step.when == "before":
            return
        self._judged += 1
        self._teller.complaints(step.end_s, self._source.complaints)
        verdicts = self._verdicts(step)
        events = [self._episodes.take(verdict) for verdict in verdicts]
        known = {one.node for one in step.nodes}
        events += [
            self._episodes.drop(node, step.end_s)
            for node in list(self._episodes.standing)
            if node not in known
        ]
        for event in filter(None, events):
            self._teller.event(event)
        self._show(step, verdicts)

    def _verdicts(self, step: "FleetStep") -> list[Verdict]:
        from dwcp.cli.detect_reasons import node_verdict
        from dwcp.tasks.reliability.contract import Outcome

        unseen = {one.node: _UNSEEN.get(one.state.value, "") for one in step.nodes}
        contexts = self._window.contexts()
        hints = self._detector.judge_all(contexts.values(), partial(Outcome, kind="unknown"))
        return [
            node_verdict(context, hint, step.end_s, unseen[node])
            for (node, context), hint in zip(contexts.items(), hints, strict=True)
        ]

    def _show(self, step: "FleetStep", verdicts: list[Verdict]) -> None:
        values = {one.node: one.values for one in step.nodes}
        states = {one.node: one.state.value for one in step.nodes}
        rows = [
            (
                one.subject,
                "ALARM" if one.alarm else states[one.subject],
                f"{one.score:.2f}",
                *(format(values[one.subject][name], ".3g") if name in values[one.subject] else "-"
                  for name in _SHOWN),
            )
            for one in verdicts
        ]  # fmt: skip
        title = (
            f"{self._source.address}: {counted(len(rows), 'node')}, {len(self._episodes.standing)} failing"
        )
        self._teller.picture(title, ("node", "state", "score", *_SHOWN), rows)


_UNSEEN = {
    "down": "Prometheus cannot scrape it",
    "stale": "what Prometheus has of it is too old",
    "gone": "Prometheus no longer knows it",
}
