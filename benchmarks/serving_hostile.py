"""Callers without a token, as fast as they can, with a good caller beside them."""

import threading
import time
from pathlib import Path
from typing import Any

import serving_wrk
from serving_bodies import Question
from serving_changes import failed
from serving_client import drive, percentile_ms
from serving_process import serving

__all__ = ["hostile"]

REQUESTS = 200_000
MOST_S = 120.0
TOKEN = "t" * 40
CONNECTIONS = 32
SPELL_S = 5
PAUSE_S = 0.02
WARM_S = 2


def hostile(home: Path, registry: Path, question: Question, requests: int = REQUESTS) -> dict[str, Any]:
    """Let wrk ask without a token until so many were refused, for two minutes at most.

    Args:
        home: an empty folder.
        registry: the server's models.
        question: of the good caller; the bad ones ask the same.
        requests: how many are to be refused.
    """
    home.mkdir(parents=True, exist_ok=True)
    tokens = home / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"good infer,hints {TOKEN}\n", encoding="ascii")
    good = [question.whole(Authorization=f"Bearer {TOKEN}")]
    over = threading.Event()
    with serving(home, registry, ("--token-file", str(tokens))) as served:
        alone_until_s = time.monotonic() + WARM_S
        alone = drive(served.tcp, good, 1, lambda: time.monotonic() < alone_until_s, PAUSE_S)
        serving_wrk.load(served.url, question, CONNECTIONS, WARM_S, home)
        before = served.usage()
        beside: list[Any] = []

        def ask() -> None:
            beside.extend(drive(served.tcp, good, 1, lambda: not over.is_set(), PAUSE_S))

        caller = threading.Thread(target=ask)
        caller.start()
        started_s, refused, lost = time.monotonic(), 0, 0
        try:
            while refused < requests and time.monotonic() < started_s + MOST_S:
                found = serving_wrk.load(served.url, question, CONNECTIONS, SPELL_S, home)
                refused, lost = refused + found.refused, lost + found.lost
                took_s = time.monotonic() - started_s
        finally:
            over.set()
            caller.join()
        after = served.usage()
        lines = served.log_lines()
    return {
        "hostile_refused": refused,
        "hostile_refused_per_s": refused / took_s,
        "hostile_unanswered": lost,
        "hostile_server_us": (after.cpu_s - before.cpu_s) / max(refused, 1) * 1e6,
        "hostile_growth_mb": after.resident_mb - before.resident_mb,
        "hostile_log_lines": lines,
        "hostile_good_asked": len(beside),
        "hostile_good_failed": failed(beside),
        "good_alone_p99_ms": percentile_ms(alone, 99),
        "good_beside_p50_ms": percentile_ms(beside, 50),
        "good_beside_p99_ms": percentile_ms(beside, 99),
    }
