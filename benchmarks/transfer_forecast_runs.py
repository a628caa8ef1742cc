"""Every variant over every replayed link, in turns, and what came of it."""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from statistics import fmean, median

from benchmarks.transfer.ours import _FRESH
from benchmarks.transfer.peers import Ends, Peer
from benchmarks.transfer.trial import Trial, run_trial
from benchmarks.transfer_forecast_data import Mixture
from benchmarks.transfer_forecast_links import Replay, replaying
from benchmarks.transfer_forecast_sender import FIXED, LAST

from dwcp.errors import InputError
from dwcp.evaluation import Bootstrap, mean_interval
from dwcp.simulate.shaped_link import LinkShape, shaped_link

AGAINST = (FIXED, LAST)
_BOOTSTRAP = Bootstrap(seed=11, method="percentile")
_ROOT = Path(__file__).parents[1]
_MOST_TIMES = 6.0


@dataclass(frozen=True)
class Run:
    """One transfer.

    Attributes:
        replay: name of the link.
        variant: how it was sent.
        turn: the round.
        seconds: from the start of the sending command until the receiver has everything.
        sent_bytes: on the link, from the sending end.
        stream_changes: streams opened and closed, those of the beginning among them.
        sender_cpu_s: of all processes of the sending end.
    """

    replay: str
    variant: str
    turn: int
    seconds: float
    sent_bytes: int
    stream_changes: int
    sender_cpu_s: float


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        replays: over these links.
        variants: in this order in the first round, in turns thereafter.
        rounds: times each.
        seconds: that a transfer with zstd-3 takes, about.
    """

    replays: Sequence[Replay]
    variants: Sequence[str]
    rounds: int
    seconds: float


def run_all(plan: Plan, mixture: Mixture, work: Path, tell: Callable[[str], None]) -> list[Run]:
    """Carry it out; on each link another variant begins, so that none always comes first.

    Raises:
        InputError: a transfer failed, or what arrived is not what was sent.
    """
    found = []
    for place, replay in enumerate(plan.replays):
        stored = replay.mean_mbps(math.ceil(plan.seconds)) * 1e6 / 8 * plan.seconds
        job = mixture.job(work / f"source-{place}", stored)
        for turn in range(plan.rounds):
            first = (place + turn) % len(plan.variants)
            for variant in (*plan.variants[first:], *plan.variants[:first]):
                figures, begun = work / "figures.json", work / "begun"
                figures.unlink(missing_ok=True)
                begun.unlink(missing_ok=True)
                peer = _peer(variant, figures, begun)
                with (
                    shaped_link(LinkShape(replay.rates_mbps[0])) as link,
                    replaying(link, replay.rates_mbps, begun),
                ):
                    trial = run_trial(link, peer, job, work / "trial", _MOST_TIMES * plan.seconds)
                found.append(_run(replay, variant, turn, trial, figures))
                tell(f"{replay.name}, round {turn + 1}, {variant}: {found[-1].seconds:.2f} s")
    return found


def _peer(variant: str, figures: Path, begun: Path) -> Peer:
    program = quote(str(Path(sys.executable).with_name("dwcp")))
    words = f"{quote(variant)} {{source}} {{address}}:{{port}} {quote(str(figures))} {quote(str(begun))}"
    return Peer(
        variant,
        receive=f"exec {program} receive {{destination}} --listen {{address}}:{{port}} --once --plain",
        send=f"cd {quote(str(_ROOT))} && exec {quote(sys.executable)} "
        f"-m benchmarks.transfer_forecast_sender {words}",
        ends=Ends.BOTH,
        programs=(),
        environment=_FRESH,
    )


def _run(replay: Replay, variant: str, turn: int, trial: Trial, figures: Path) -> Run:
    if trial.problem is not None:
        raise InputError(f"the transfer over {replay.name} ({variant}) failed: {trial.problem}")
    told = json.loads(figures.read_text(encoding="utf-8"))
    return Run(
        replay.name,
        variant,
        turn,
        round(trial.wall_s, 3),
        trial.sent_bytes,
        int(told["stream_changes"]),
        trial.sender_cpu_s,
    )


def summary(runs: Sequence[Run], variants: Sequence[str]) -> dict[str, dict[str, object]]:
    """Of each variant: seconds, bytes, changes, and its time over others' on the same link, by trace."""
    walls = {variant: _by_replay(runs, variant) for variant in variants}
    return {
        variant: {
            "seconds": _spread(list(walls[variant].values())),
            "sent_mb": round(fmean(run.sent_bytes for run in runs if run.variant == variant) / 1e6, 2),
            "stream_changes": _spread([run.stream_changes for run in runs if run.variant == variant]),
            "sender_cpu_s": round(fmean(run.sender_cpu_s for run in runs if run.variant == variant), 2),
            **{
                f"over {other}": ratio(walls[variant], walls[other])
                for other in variants
                if other in walls and other != variant
            },
        }
        for variant in variants
    }


def _by_replay(runs: Sequence[Run], variant: str) -> dict[str, float]:
    """Median seconds of its rounds on each link."""
    names = dict.fromkeys(run.replay for run in runs)
    return {
        name: median(run.seconds for run in runs if run.replay == name and run.variant == variant)
        for name in names
    }


def ratio(ours: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    """Geometric mean over links of our time over theirs, its interval, and the least, median and most."""
    logs = [math.log(ours[name] / others[name]) for name in ours]
    interval = mean_interval(logs, list(ours), _BOOTSTRAP)
    return {
        "mean": round(math.exp(fmean(logs)), 4),
        "low": round(math.exp(interval.low), 4),
        "high": round(math.exp(interval.high), 4),
        "least": round(math.exp(min(logs)), 4),
        "median": round(math.exp(median(logs)), 4),
        "most": round(math.exp(max(logs)), 4),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "least": round(min(values), 3),
        "median": round(median(values), 3),
        "most": round(max(values), 3),
    }
