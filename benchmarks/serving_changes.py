"""What changes while a server is asked: swaps, a candidate that fails, a crash. Nothing may be lost."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from dwcp.registry import Registry
from dwcp.safety.rollout import Event, Rollout, Stage
from hint_steering import begin_rollout
from serving_bodies import Question, hint_requests
from serving_client import Answer, drive, percentile_ms
from serving_models import WHO
from serving_process import Served, serving

__all__ = ["breach", "crash", "failed", "hints_of", "state_of", "swaps"]

CONNECTIONS = 8
UNITS = 400
NEAR_S = 0.1
"""How close to a swap an answer counts as one during it."""
_WHY = "to measure what a change costs"
_STATE = re.compile(r"^dwcp_ml_(?:breaker_state|rollout_stage)\{.*\} \S+$", re.MULTILINE)


def failed(answers: Sequence[Answer]) -> int:
    """How many were refused or lost."""
    return sum(answer.status != 200 for answer in answers)


def hints_of(answers: Sequence[Answer]) -> list[tuple[float, str, str]]:
    """Of every hint when it came, its reason and the version that answered or would have."""
    found = []
    for answer in answers:
        told = json.loads(answer.body) if answer.status == 200 and b'"hint_id"' in answer.body else None
        if told is not None:
            version = told.get("model", {}).get("version", "")
            found.append((answer.sent_s + answer.took_s, told["reason"], version))
    return found


def swaps(
    served: Served, registry: Registry, task: str, versions: Sequence[str], question: Question, seconds: int
) -> dict[str, Any]:
    """Have another version in service every second, by the registry and by request in turn; then roll back.

    Args:
        served: the server.
        registry: that it follows.
        task: whose model.
        versions: two; the first is champion.
        question: to the model; hints are asked, too.
        seconds: how long to swap.
    """
    requests = [question.whole(), *hint_requests(3)]
    quiet = _while_asked(served, requests, lambda: time.sleep(seconds / 3))
    changed_s: list[float] = []
    resident_mb = served.usage().resident_mb

    def change() -> None:
        for number in range(seconds):
            began_s, version = time.monotonic(), versions[(number // 2 + 1) % 2]
            if number % 2:
                _load(served, task, version)
            else:
                registry.promote(task, version, now=time.time(), who=WHO, why=_WHY)
            changed_s.append(time.monotonic())
            time.sleep(max(0.0, 1.0 - (time.monotonic() - began_s)))

    busy = _while_asked(served, requests, change)
    changed_s += [when_s for when_s, event in served.events if event["event"] == "swapped"]
    before = registry.aliases(task)["champion"]

    def roll_back() -> None:
        registry.rollback(task, now=time.time(), who=WHO, why=_WHY)
        time.sleep(3.0)

    back = _while_asked(served, requests, roll_back)
    held = registry.aliases(task)["champion"]
    last = hints_of(back)[-1]
    near = [a for a in busy if any(abs(a.sent_s - when_s) < NEAR_S for when_s in changed_s)]
    reasons = [reason for _, reason, _ in hints_of([*busy, *back])]
    return {
        "swap_requests": len(busy) + len(back),
        "swap_failed": failed(busy) + failed(back),
        "swap_not_by_model": sum(reason != "MODEL" for reason in reasons),
        "swap_seen": len({version for _, _, version in hints_of(busy)}),
        "swap_rolled_back": float(held != before and last[2] == held),
        "quiet_p50_ms": percentile_ms(quiet, 50),
        "quiet_p99_ms": percentile_ms(quiet, 99),
        "swap_p99_ms": percentile_ms(busy, 99),
        "swap_near_p99_ms": percentile_ms(near, 99),
        "swap_worst_ms": percentile_ms(busy, 100),
        "swap_growth_mb": served.usage().resident_mb - resident_mb,
    }


def breach(served: Served, home: Path, task: str, versions: tuple[str, str]) -> dict[str, Any]:
    """Roll a candidate out that fails every question, to a quarter of the units, while all are asked.

    Args:
        served: the server.
        home: its home.
        task: whose model.
        versions: candidate and champion.
    """
    rollout = Rollout(home, task, takes_part=False, who=WHO)

    def roll_out() -> None:
        begin_rollout(home, task, versions, Stage.SHARE_25, time.time(), samples=100)
        until_s = time.monotonic() + 30.0
        while time.monotonic() < until_s:
            rollout.poll()
            if any(entry.event is Event.BREACHED for entry in rollout.history()):
                break
            time.sleep(0.02)
        time.sleep(3.0)

    answers = _while_asked(served, hint_requests(UNITS), roll_out)
    came = [when_s for when_s, _, version in hints_of(answers) if version == versions[0]]
    by_rule = sum(reason != "MODEL" for _, reason, _ in hints_of(answers))
    breached = [entry for entry in rollout.history() if entry.event is Event.BREACHED]
    return {
        "breach_requests": len(answers),
        "breach_failed": failed(answers),
        "breach_rolled_back": float(bool(breached)),
        "breach_why": breached[0].why if breached else "",
        "breach_hints_of_candidate": len(came),
        "breach_by_rule": by_rule,
        "breach_gone_s": max(came) - min(came) if came else 0.0,
        "breach_p99_ms": percentile_ms(answers, 99),
    }


def crash(home: Path, registry: Registry, task: str, versions: tuple[str, str]) -> dict[str, Any]:
    """Kill a server with an open breaker in the middle of a rollout, and start it again.

    Args:
        home: its home; nothing is rolled out there.
        registry: its registry.
        task: whose model.
        versions: a candidate that fails, and the champion.
    """
    begin_rollout(home, task, versions, Stage.SHARE_25, time.time(), tolerant=True)
    first = Served(home, registry.root)
    try:
        given_up_s = time.monotonic() + 20.0
        while not _is_open(first, versions[0]) and time.monotonic() < given_up_s:
            _while_asked(first, hint_requests(UNITS), lambda: time.sleep(0.5))
        time.sleep(3.0)  # The keeper writes every two seconds.
        was_open, before = _is_open(first, versions[0]), state_of(first, registry, task)
    finally:
        first.kill()
    with serving(home, registry.root) as second:
        ready_s, began_s = second.ready_s, time.monotonic()
        at_ready = after = state_of(second, registry, task)
        while after != before and time.monotonic() < began_s + 10.0:
            time.sleep(0.01)
            after = state_of(second, registry, task)
        restored_s = time.monotonic() - began_s
    return {
        "crash_equal": float(after == before),
        "crash_equal_at_ready": float(at_ready == before),
        "crash_breaker_open": float(was_open),
        "crash_ready_s": ready_s,
        "crash_restored_after_ready_s": restored_s,
        "crash_before": before,
        "crash_at_ready": at_ready,
    }


def _is_open(served: Served, version: str) -> bool:
    """Whether a version's breaker is open."""
    metrics = httpx.get(f"{served.url}/metrics").raise_for_status().text
    return any(f'version="{version}"}} 2.0' in line for line in _STATE.findall(metrics))


def state_of(served: Served, registry: Registry, task: str) -> Mapping[str, Any]:
    """What must survive: aliases, versions that are loaded, rollout stage, breakers."""
    metrics = httpx.get(f"{served.url}/metrics").raise_for_status().text
    index = httpx.post(f"{served.url}/v2/repository/index").raise_for_status().json()
    return {
        "aliases": registry.aliases(task),
        "loaded": sorted(line["version"] for line in index if line["name"] == task),
        "metrics": sorted(_STATE.findall(metrics)),
    }


def _load(served: Served, task: str, version: str) -> None:
    body = {"parameters": {"version": version}}
    url = f"{served.url}/v2/repository/models/{task}/load"
    httpx.post(url, json=body, timeout=30.0).raise_for_status()


def _while_asked(served: Served, requests: Sequence[bytes], act: Callable[[], None]) -> list[Answer]:
    """Every answer that a server gave while something was done."""
    answers: list[Answer] = []
    over = threading.Event()

    def ask() -> None:
        answers.extend(drive(served.socket, requests, CONNECTIONS, lambda: not over.is_set()))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        act()
    finally:
        over.set()
        thread.join()
    return answers
