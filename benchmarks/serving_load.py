"""The table of loads: every way to ask, over every number of connections, and what it costs the server."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
import numpy as np

import serving_wrk
from dwcp.registry import Registry
from dwcp.serving import Reason
from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.hints.service import Answered, Hints
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.models import Models
from dwcp.task import Arrays, Task
from serving_bodies import METHOD, Question, hint_body, infer_binary, infer_json
from serving_client import LOST, Answer, drive, percentile_ms
from serving_grpc import ask_grpc
from serving_process import Served, usage_of
from serving_wrk import Load

__all__ = [
    "Row",
    "bare_rows",
    "hints_by_reason",
    "in_process_rows",
    "load_of",
    "questions",
    "row",
    "server_rows",
    "share_by_model",
]

CONNECTIONS = (1, 16, 64)
_HINTS = re.compile(r'^dwcp_ml_predictions_total\{.*reason="([^"]+)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: is asked.
        over: which transport, or in process.
        client: that asked.
        connections: open at once; 0 in process.
        per_s: answers a second.
        p50_ms: half of the answers took no longer.
        p99_ms: all but a hundredth.
        errors: refused or lost.
        server_us: seconds of processor a request, in the server alone, in microseconds.
        resident_mb: memory of the server afterwards.
        by_model: share of the hints that a model answered, in time; None where no hint was given.
    """

    what: str
    over: str
    client: str
    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    server_us: float
    resident_mb: float
    by_model: float | None = None

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def questions(task: Task, arrays: Arrays) -> dict[str, Question]:
    """What is asked over HTTP, by name."""
    return {
        "infer, JSON": infer_json(task, arrays),
        "infer, binary": infer_binary(task, arrays),
        "hint, REST": hint_body("link-7"),
    }


def server_rows(
    served: Served, name: str, asked: dict[str, Question], seconds: int, folder: Path, *, with_wrk: bool
) -> Iterator[Row]:
    """Every protocol over TCP, then over the Unix socket, which wrk cannot use."""
    for what, question in asked.items():
        for connections in CONNECTIONS:
            if with_wrk:
                with _counted(served, name) as count:
                    found = _wrk_row(served.pid, served.url, what, question, connections, seconds, folder)
                yield count(found)
        for connections in CONNECTIONS:
            with _counted(served, name) as count:
                found = _own_row(served, what, question, connections, seconds)
            yield count(found)
    for connections in CONNECTIONS:
        with _counted(served, name) as count:
            found = _grpc_row(served, connections, seconds)
        yield count(found)


def bare_rows(
    served: Served, asked: dict[str, Question], seconds: int, folder: Path, *, with_wrk: bool
) -> Iterator[Row]:
    """The bare stack, asked the same and answering as many bytes."""
    if not with_wrk:
        return
    for what, question in asked.items():
        whole = httpx.post(
            served.url + question.path, content=question.body, headers=question.headers
        ).raise_for_status()
        with _bare(len(whole.content)) as (pid, url):
            for connections in CONNECTIONS:
                yield _wrk_row(pid, url, f"bare: {what}", question, connections, seconds, folder)


def in_process_rows(registry: Registry, tasks: Sequence[Task], name: str, asks: int) -> Iterator[Row]:
    """The same model asked in this process, one question after the other."""
    with closing(LocalAdvisor(tasks, registry)) as advisor:
        advisor.load(name)
        models, hints = Models(advisor), Hints(advisor)
        task = next(task for task in tasks if task.name == name)
        arrays = task.arrays([task.examples(1, 1)[0].context])
        asked = {"context": EXAMPLES[METHOD], "unit": "link-7"}
        yield _in_process("infer", lambda: bool(models.infer(name, None, arrays)), asks)
        yield _in_process("hint", lambda: isinstance(hints.call(METHOD, asked), Answered), asks)


def row(what: str, over: str, client: str, connections: int, found: Load, used: tuple[float, float]) -> Row:
    """A line of what a client measured, and the server's seconds of processor and megabytes."""
    answered = max(found.requests, 1)
    return Row(
        what,
        over,
        client,
        connections,
        round(found.per_s, 1),
        round(found.p50_ms, 3),
        round(found.p99_ms, 3),
        found.refused + found.lost,
        round(used[0] / answered * 1e6, 1),
        round(used[1], 1),
    )


def load_of(answers: Sequence[Answer], seconds: float) -> Load:
    """What the own client measured, as wrk would tell it."""
    came = [answer for answer in answers if answer.status != LOST]
    refused = sum(answer.status >= 400 for answer in came)
    lost = len(answers) - len(came)
    return Load(len(came), seconds, percentile_ms(came, 50), percentile_ms(came, 99), refused, lost)


def _used(pid: int, act: Callable[[], Load]) -> tuple[Load, tuple[float, float]]:
    before = usage_of(pid)
    found = act()
    after = usage_of(pid)
    return found, (after.cpu_s - before.cpu_s, after.resident_mb)


def _wrk_row(
    pid: int, url: str, what: str, question: Question, connections: int, seconds: int, folder: Path
) -> Row:
    found, used = _used(pid, lambda: serving_wrk.load(url, question, connections, seconds, folder))
    return row(what, "TCP", "wrk", connections, found, used)


def _own_row(served: Served, what: str, question: Question, connections: int, seconds: int) -> Row:
    def ask() -> Load:
        started_s = time.monotonic()
        answers = drive(
            served.socket, [question.whole()], connections, lambda: time.monotonic() < started_s + seconds
        )
        return load_of(answers, time.monotonic() - started_s)

    found, used = _used(served.pid, ask)
    return row(what, "Unix socket", "own, Python", connections, found, used)


def _grpc_row(served: Served, connections: int, seconds: int) -> Row:
    def ask() -> Load:
        started_s = time.monotonic()
        answers = ask_grpc(served.grpc, connections, started_s + seconds)
        return load_of(answers, time.monotonic() - started_s)

    found, used = _used(served.pid, ask)
    return row("hint, gRPC", "TCP", "own, Python", connections, found, used)


def _in_process(what: str, ask: Callable[[], bool], asks: int) -> Row:
    for _ in range(200):
        ask()
    took_s: list[float] = []
    failed = 0
    cpu_s, started_s = time.process_time(), time.perf_counter()
    for _ in range(asks):
        asked_s = time.perf_counter()
        failed += not ask()
        took_s.append(time.perf_counter() - asked_s)
    seconds = time.perf_counter() - started_s
    cpu_s = time.process_time() - cpu_s
    p50_ms, p99_ms = (float(np.percentile(took_s, percentile)) * 1e3 for percentile in (50, 99))
    return row(
        what, "in process", "own, Python", 0, Load(asks, seconds, p50_ms, p99_ms, failed, 0), (cpu_s, 0)
    )


@contextmanager
def _counted(served: Served, name: str) -> Iterator[Callable[[Row], Row]]:
    """Let a row tell how many of its hints a model answered, by the server's own counts."""
    # A breaker that the row before left open would let the rule answer this one: a new one is closed.
    for word in ("unload", "load"):
        url = f"{served.url}/v2/repository/models/{name}/{word}"
        httpx.post(url, json={}, timeout=30.0).raise_for_status()
    before = hints_by_reason(_metrics(served))

    def count(found: Row) -> Row:
        return replace(found, by_model=share_by_model(before, hints_by_reason(_metrics(served))))

    yield count


def _metrics(served: Served) -> str:
    return httpx.get(f"{served.url}/metrics").raise_for_status().text


def hints_by_reason(metrics: str) -> dict[str, float]:
    """How many hints were given for each reason, of a server's metrics."""
    found: dict[str, float] = {}
    for reason, count in _HINTS.findall(metrics):
        found[reason] = found.get(reason, 0.0) + float(count)
    return found


def share_by_model(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """The share of the hints between two looks that a model answered; None where there was none."""
    given = {reason: count - before.get(reason, 0.0) for reason, count in after.items()}
    total = sum(given.values())
    return given.get(Reason.MODEL, 0.0) / total if total else None


@contextmanager
def _bare(answer_bytes: int) -> Iterator[tuple[int, str]]:
    program = Path(__file__).with_name("serving_bare.py")
    command = [sys.executable, str(program), str(answer_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
