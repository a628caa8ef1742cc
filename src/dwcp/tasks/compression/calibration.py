"""How fast this machine runs each candidate, on a buffer that is the same everywhere."""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TypeVar

from dwcp.codecs import Reference, codec_named
from dwcp.tasks.compression.contract import CANDIDATES

__all__ = ["best_of", "calibrate", "calibration_buffer"]

ResultT = TypeVar("ResultT")

_BUFFER_BYTES = 256 * 1024
_WORDS = 4096


def best_of(
    run: Callable[[], ResultT], budget_ms: float, most: int = 9, least: int = 2
) -> tuple[ResultT, float]:
    """Run several times within a budget; the last result and the least thread milliseconds."""
    spent_ns, best_ns, runs = 0, 0, 0
    while True:
        started = time.thread_time_ns()
        result = run()
        elapsed_ns = time.thread_time_ns() - started
        best_ns = elapsed_ns if runs == 0 else min(best_ns, elapsed_ns)
        spent_ns += elapsed_ns
        runs += 1
        if runs >= most or (runs >= least and spent_ns >= budget_ms * 1e6):
            return result, best_ns / 1e6


def calibration_buffer() -> bytes:
    """256 KiB of made-up records: words by Zipf's law, counters, numbers. The same bytes everywhere."""
    rng = Random(1)
    words = ["".join(rng.choices("etaoinshrdlucmf", k=rng.randint(2, 9))) for _ in range(_WORDS)]
    weights = [1 / rank for rank in range(1, _WORDS + 1)]
    lines: list[str] = []
    size = 0
    while size < _BUFFER_BYTES:
        text = " ".join(rng.choices(words, weights, k=12))
        lines.append(f"{len(lines):08d} {rng.getrandbits(32):08x} {text}\n")
        size += len(lines[-1])
    return "".join(lines).encode()[:_BUFFER_BYTES]


def calibrate(budget_ms: float = 40.0) -> tuple[tuple[str, float], ...]:
    """Milliseconds per MiB of every candidate on the calibration buffer, by name; about a second of work.

    Args:
        budget_ms: thread time to spend on each candidate's repetitions.
    """
    buffer = calibration_buffer()
    reference = Reference.of(buffer[: _BUFFER_BYTES // 2] + bytes(64) + buffer[_BUFFER_BYTES // 2 :])
    scale = 1024 * 1024 / len(buffer)
    speeds = []
    for action in CANDIDATES:
        codec = codec_named(action.name)
        against = reference if action.use_reference else None
        _, elapsed_ms = best_of(partial(codec.encode, buffer, against), budget_ms)
        speeds.append((action.name, elapsed_ms * scale))
    return tuple(speeds)
