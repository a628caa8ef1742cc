"""Links that do what recorded ones did: the rate of the kernel's token buckets follows an unseen trace."""

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from benchmarks.bandwidth_sets import LEAST_STEPS, SEED, SETS, ThroughputSet, dealt

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import DEVICE, LinkEnd, LinkShape, ShapedLink
from dwcp.telemetry.sources.throughput import ThroughputTrace, read_throughput

NAMES = ("hsdpa", "irish-5g", "lumos-5g", "starlink", "fcc", "puffer")
LEAST_MBPS, MOST_MBPS = 2.0, 400.0
LEAST_MEAN_MBPS, MOST_MEAN_MBPS = 10.0, 60.0
"""Where a trace is slower or faster on average it is scaled to this: two cores carry both, and compress."""
SECONDS = 60
_STEP_S = 1.0
_LOOK_S = 0.002
_BURST_S, _LEAST_BURST_BYTES = 1e-3, 16 * 1024


@dataclass(frozen=True)
class Replay:
    """A minute of a recorded link.

    Attributes:
        name: the set's, and the trace's number in this run.
        trace: the trace's own name.
        scale: what its throughput was multiplied by.
        rates_mbps: one a second, between `LEAST_MBPS` and `MOST_MBPS`.
    """

    name: str
    trace: str
    scale: float
    rates_mbps: tuple[float, ...]

    def mean_mbps(self, seconds: int) -> float:
        """Of the first so many seconds."""
        return float(np.mean(self.rates_mbps[:seconds]))

    def as_json(self) -> dict[str, object]:
        """What it is."""
        return {
            "name": self.name,
            "trace": self.trace,
            "scale": round(self.scale, 4),
            "mean_mbps": round(self.mean_mbps(SECONDS), 2),
            "variation": round(float(np.std(self.rates_mbps) / np.mean(self.rates_mbps)), 3),
        }


def replays(folder: Path, per_set: int) -> list[Replay]:
    """Some unseen traces of each set: of the part that no forecast was fitted or chosen on.

    Raises:
        InputError: a file is missing, or holds too few traces.
    """
    sets = {one.name: one for one in SETS}
    return [replay for name in NAMES for replay in _of_set(sets[name], folder, per_set)]


def _of_set(which: ThroughputSet, folder: Path, count: int) -> Iterator[Replay]:
    by_name: dict[str, list[ThroughputTrace]] = {}
    for stretch in read_throughput(folder / which.file):
        if len(stretch) >= LEAST_STEPS:
            by_name.setdefault(stretch.name, []).append(stretch)
    _, _, unseen = dealt(sorted(by_name), SEED)
    rng = Random(f"{SEED}:{which.name}")
    longest = [max(by_name[name], key=len) for name in unseen]
    fitting = [trace for trace in longest if len(trace) * trace.step_s >= SECONDS] or longest
    for number, trace in enumerate(rng.sample(fitting, min(count, len(fitting)))):
        yield _cut(f"{which.name} {number + 1}", trace, rng)


def _cut(name: str, trace: ThroughputTrace, rng: Random) -> Replay:
    """A minute that begins anywhere; a trace that is shorter begins again at its end."""
    rows = trace.throughput_mbps[np.isfinite(trace.throughput_mbps)]
    begin = rng.randrange(max(1, len(rows) - int(SECONDS / trace.step_s)))
    places = begin + (np.arange(SECONDS) / trace.step_s).astype(int)
    found = rows[places % len(rows)]
    mean = max(float(found.mean()), 1e-6)
    scale = min(max(mean, LEAST_MEAN_MBPS), MOST_MEAN_MBPS) / mean
    rates = np.clip(found * scale, LEAST_MBPS, MOST_MBPS)
    return Replay(name, trace.name, scale, tuple(rates.round(3).tolist()))


@contextmanager
def replaying(link: ShapedLink, rates_mbps: Sequence[float], begun: Path) -> Iterator[None]:
    """Let a link follow rates, a second each and then from the beginning, from when a file appears.

    Args:
        link: shaped, with a rate.
        rates_mbps: the first holds from now on.
        begun: the file; whoever is to see the first second whole makes it.

    Raises:
        InputError: the rate could not be changed.
    """
    ends = (link.near, link.far)
    for end in ends:
        _set_rate(end, rates_mbps[0])
    stopped, failures = threading.Event(), list[InputError]()
    thread = threading.Thread(target=_follow, args=(ends, rates_mbps, begun, stopped, failures))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
    if failures:
        raise failures[0]


def _follow(
    ends: tuple[LinkEnd, ...],
    rates_mbps: Sequence[float],
    begun: Path,
    stopped: threading.Event,
    failures: list[InputError],
) -> None:
    while not begun.exists():
        if stopped.wait(_LOOK_S):
            return
    began_s, passed = time.monotonic(), 0
    while not stopped.wait(max(0.0, began_s + (passed + 1) * _STEP_S - time.monotonic())):
        passed += 1
        try:
            for end in ends:
                _set_rate(end, rates_mbps[passed % len(rates_mbps)])
        except InputError as error:
            failures.append(error)
            return


def _set_rate(end: LinkEnd, rate_mbps: float) -> None:
    """Change the token bucket that shapes an end, with what waits in it."""
    burst = max(_LEAST_BURST_BYTES, int(rate_mbps * 1e6 / 8 * _BURST_S))
    bucket = (
        "tbf",
        "rate",
        f"{rate_mbps:g}mbit",
        "burst",
        str(burst),
        "limit",
        str(LinkShape(rate_mbps).queue_bytes),
    )
    words = ["tc", "-n", end.namespace, "qdisc", "change", "dev", DEVICE, "root", *bucket]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"the link's rate cannot be changed: `{' '.join(words)}`: {done.stderr.strip()}")
