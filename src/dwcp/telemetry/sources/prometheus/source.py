"""A live Prometheus as a source of nodes: one step after the other, whatever becomes of the server."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Literal
from urllib.parse import urlencode

from dwcp.errors import ConnectionLostError, InputError, SchemaError
from dwcp.telemetry.sources.etcd.endpoint import Access
from dwcp.telemetry.sources.etcd.http import Answer, HttpClient, Outcome
from dwcp.telemetry.sources.prometheus.address import parse_address
from dwcp.telemetry.sources.prometheus.answer import Rows, parse_rows, refusal
from dwcp.telemetry.sources.prometheus.queries import UP, NodeQueries
from dwcp.telemetry.sources.prometheus.steps import FleetStep, NodeState, Outage, fleet_step

__all__ = ["PrometheusSource"]

_HISTORY = 30
_LONGEST_DEADLINE_S = 10.0
_BAD_QUERY, _UNPROCESSABLE = 400, 422
_NODE_EXPORTER_QUERIES = NodeQueries()
_When = Literal["before", "late", "now"]


class _AwayError(ConnectionLostError):
    """Prometheus tells nothing; why, in a few words."""


class PrometheusSource:
    """Asks for every node each step; iterate over it, in one thread.

    First come the steps before now, as many as a detector looks at, then each step as it ends. A step of
    which nothing is known comes too, with its `Outage`; once Prometheus answers again, what it has of the
    missed steps is fetched first. A node that Prometheus no longer knows is `NodeState.GONE` for thirty
    steps, and is then forgotten.

    Args:
        url: of the server, with a path where it is behind one; a user and password may be in it.
        job: the scrape job whose targets are the nodes.
        every_s: length of a step.
        queries: what to ask; node_exporter's names unless given.
        clock: seconds since 1970.
        sleep: waits for so many seconds.

    Raises:
        InputError: no such URL, a job's name that is none, or a step that is not above 0.
    """

    def __init__(
        self,
        url: str,
        *,
        job: str = "node",
        every_s: float = 15.0,
        queries: NodeQueries = _NODE_EXPORTER_QUERIES,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (every_s > 0 and math.isfinite(every_s)):
            raise InputError(f"a step of {every_s:g} s cannot be; give seconds above 0")
        self.address = parse_address(url, "http://localhost:9090")
        self.every_s = every_s
        self.complaints: tuple[str, ...] = ()
        """Of queries that gave nothing that can be used the last time: metric and reason."""
        self._job = job
        self._label = queries.node_label
        self._queries = queries.filled(job, every_s)
        self._stale_s = 2 * queries.window(every_s)
        self._deadline_s = min(every_s, _LONGEST_DEADLINE_S)
        self._clock, self._sleep = clock, sleep
        context = Access().context() if self.address.endpoint.encrypted else None
        self._client = HttpClient(self.address.endpoint, context)
        self._client.headers.update(self.address.headers)
        self._missed: Counter[str] = Counter()
        """Known nodes, with how many steps each has been gone."""
        self._away_since_s: float | None = None

    def __iter__(self) -> Iterator[FleetStep]:
        """One step after the other, without end; closing the iterator ends the reading.

        Raises:
            ConnectionLostError: it does not answer at first; later that is an outage.
            InputError: it refuses a query, or knows no node of this job.
        """
        with asyncio.Runner() as runner, closing(_Closing(runner, self._client)):
            yield from self._steps(runner)

    def _steps(self, runner: asyncio.Runner) -> Iterator[FleetStep]:
        due = self._now_place()
        yield from self._first(runner, due)
        last = due
        while True:
            due = max(due + 1, self._now_place())
            self._sleep(max(0.0, due * self.every_s - self._clock()))
            try:
                steps = self._read(runner, max(last + 1, due - _HISTORY + 1), due, "late")
                last = due
            except _AwayError as away:
                steps = [FleetStep(self._time(due), (), "now", Outage(self._time(due), str(away)))]
            yield from map(self._since, steps)

    def _since(self, step: FleetStep) -> FleetStep:
        """With the beginning of the outage that it belongs to."""
        if step.outage is None:
            self._away_since_s = None
            return step
        self._away_since_s = self._away_since_s or step.outage.since_s
        return replace(step, outage=replace(step.outage, since_s=self._away_since_s))

    def _first(self, runner: asyncio.Runner, due: int) -> Iterator[FleetStep]:
        """The steps before, and the one now.

        Raises:
            ConnectionLostError: there is no answer.
            InputError: it knows no such node.
        """
        try:
            steps = self._read(runner, due - _HISTORY + 1, due, "before")
        except _AwayError as away:
            raise ConnectionLostError(
                f"Prometheus at {self.address} does not answer ({away}); check the URL"
            ) from away
        if steps[-1].outage is not None:
            raise InputError(self._no_node(runner))
        return iter([step for step in steps if step.outage is None])

    def _read(self, runner: asyncio.Runner, first: int, due: int, when: _When) -> list[FleetStep]:
        """Steps from the first to the one due; those without any node are outages.

        Raises:
            InputError: a query is refused.
            _AwayError: there is no answer.
        """
        found = runner.run(self._ask_all(self._time(first), self._time(due)))
        steps = []
        for place in range(first, due + 1):
            end_s = self._time(place)
            kind = "now" if place == due else when
            step = fleet_step(end_s, found, self._known(), self._stale_s, kind)
            if step is None:
                nothing = Outage(end_s, f"Prometheus has no sample of job {self._job!r} of that time")
                step = FleetStep(end_s, (), kind, nothing)
            self._remember(step)
            steps.append(step)
        return steps

    async def _ask_all(self, first_s: float, due_s: float) -> dict[str, Rows]:
        answers = await asyncio.gather(*(self._ask(q, first_s, due_s) for q in self._queries.values()))
        told = dict(zip(self._queries, answers, strict=True))
        if told[UP].outcome is not Outcome.OK:
            self._refuse(told[UP], UP)
            raise _AwayError(told[UP].why)
        found: dict[str, Rows] = {}
        complaints = []
        for name, answer in told.items():
            try:
                if answer.outcome is Outcome.OK:
                    found[name] = parse_rows(answer.body, self._label)
                    continue
                self._refuse(answer, name)
                complaints.append(f"{name}: {refusal(answer.body) or answer.why}")
            except SchemaError as error:
                if name == UP:
                    raise _AwayError(str(error)) from error
                complaints.append(f"{name}: {error}")
        self.complaints = tuple(complaints)
        return found

    async def _ask(self, query: str, first_s: float, due_s: float) -> Answer:
        if first_s == due_s:
            words, path = {"query": query, "time": f"{due_s:.3f}"}, "query"
        else:
            step = f"{self.every_s:g}"
            words = {"query": query, "start": f"{first_s:.3f}", "end": f"{due_s:.3f}", "step": step}
            path = "query_range"
        asked = f"{self.address.path}/api/v1/{path}?{urlencode(words)}"
        return await self._client.get(asked, self._deadline_s)

    def _refuse(self, answer: Answer, name: str) -> None:
        """Raises `InputError` where it is the query that is wrong."""
        if answer.status == _BAD_QUERY:
            said = refusal(answer.body) or answer.why
            raise InputError(f"Prometheus at {self.address} refuses the query of {name}: {said}")

    def _no_node(self, runner: asyncio.Runner) -> str:
        now_s = self._time(self._now_place())
        answer = runner.run(self._ask("count by (job) (up)", now_s, now_s))
        try:
            jobs = sorted(parse_rows(answer.body, "job"))
        except SchemaError:
            jobs = []
        others = f"it has {', '.join(jobs)}" if jobs else "it has scraped nothing yet"
        return f"Prometheus at {self.address} knows no node of job {self._job!r}; {others}"

    def _known(self) -> list[str]:
        return [node for node, gone in self._missed.items() if gone < _HISTORY]

    def _remember(self, step: FleetStep) -> None:
        for one in step.nodes:
            self._missed[one.node] = self._missed[one.node] + 1 if one.state is NodeState.GONE else 0

    def _now_place(self) -> int:
        return math.floor(self._clock() / self.every_s + 1e-6)

    def _time(self, place: int) -> float:
        return round(place * self.every_s, 3)


class _Closing:
    """Closes the connections within their loop."""

    def __init__(self, runner: asyncio.Runner, client: HttpClient) -> None:
        self._runner, self._client = runner, client

    def close(self) -> None:
        self._runner.run(self._client.close())
