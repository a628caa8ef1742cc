"""Record a real etcd cluster second by second while faults are done to it (root, Linux).

    python -m benchmarks.consensus record --out recordings/a --members 3 --seed 1 --rounds 2 --load 100
    python -m benchmarks.consensus live --members 3 --seed 7 --rounds 1 --minutes-quiet 3

Each member has a network namespace, a cgroup and a file system of its own; a client puts values in an open
loop. The folder gets ``cluster.csv``, ``nodes.csv`` and ``faults.csv`` as that client saw it, and in
``probe`` the same as the live source's read-only probe saw it. Several can run at once with other prefixes.

``live`` does the same to a cluster while ``dwcp watch etcd`` watches it as a user would, and holds each line
that it prints, with the time it came, against what was done. Then a member is started anew, and one is gone
for more than a minute.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from benchmarks.consensus import live
from benchmarks.consensus.cluster import clean, locked, running_cluster
from benchmarks.consensus.places import Places
from benchmarks.consensus.record import Wishes, record
from benchmarks.consensus.schedule import Planned, expected_s, plan
from benchmarks.consensus.score import GATES
from benchmarks.reporting import RESULTS, report
from rich.console import Console

from dwcp.errors import DwcpError
from dwcp.evaluation import check_gates

_MEMBERS = (3, 5, 7)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        places = Places(options.prefix, options.work)
        if options.command == "clean":
            with locked(places):
                clean(places)
            return 0
        if options.command == "live":
            return _live(options, places)
        _record(options, places)
    except DwcpError as error:
        print(f"consensus: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = "; what was recorded so far is kept" if getattr(options, "out", None) else ""
        print(f"consensus: stopped{kept}", file=sys.stderr)
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    described = str(__doc__)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.consensus",
        description=described,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="record faults and benign events, or quiet alone")
    recording.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the recording")
    _add_wishes(recording, seed=1, rounds=2, minutes_quiet=1)
    watching = commands.add_parser("live", help="score dwcp watch etcd while faults are done")
    _add_wishes(watching, seed=7, rounds=1, minutes_quiet=3)
    watching.add_argument("--registry", type=Path, metavar="DIR", help="of the watcher's models (the rules)")
    watching.add_argument("--out", type=Path, metavar="DIR", help="keep the recording there")
    watching.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where the file goes")
    cleaning = commands.add_parser("clean", help="remove what a run that was killed left behind")
    for one in (recording, watching, cleaning):
        one.add_argument("--prefix", default="a", help="of all names, so that several can run at once (a)")
        one.add_argument("--work", type=Path, default=Path("/var/tmp"), metavar="DIR", help="disks and logs")
    return parser.parse_args(arguments)


def _record(options: argparse.Namespace, places: Places) -> None:
    wishes = _wishes(options, list(plan(options.rounds, Random(options.seed))), options.out)
    with running_cluster(places, options.members) as cluster:
        asyncio.run(record(cluster, wishes, options.out, _say))


def _live(options: argparse.Namespace, places: Places) -> int:
    started = time.monotonic()
    wishes = _wishes(options, live.planned(options.rounds, options.seed), options.results)
    # A watcher that were started with Ctrl-C ignored could not be ended by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with running_cluster(places, options.members) as cluster:
        found = live.watched(cluster, wishes, options.registry, options.out, _say)
    told = live.figures(found)
    live.show(told, Console(width=150))
    data = {name: getattr(options, name) for name in ("members", "seed", "rounds", "load", "minutes_quiet")}
    gates = check_gates(GATES, live.gated(told))
    return report("anomaly-live", told, data, gates, time.monotonic() - started, options.results)


def _wishes(options: argparse.Namespace, planned: list[Planned], out: Path) -> Wishes:
    """Tells how long it will take; from here on a SIGTERM ends it in good order."""
    quiet_s = 60.0 * options.minutes_quiet
    minutes = (expected_s(planned) + quiet_s + 40) / 60
    _say(f"{len(planned)} events, about {minutes:.0f} minutes, into {out}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return Wishes(planned, quiet_s, options.load, options.seed)


def _say(words: str) -> None:
    print(words, flush=True)


def _add_wishes(parser: argparse.ArgumentParser, *, seed: int, rounds: int, minutes_quiet: int) -> None:
    parser.add_argument("--members", type=int, default=3, choices=_MEMBERS)
    parser.add_argument("--seed", type=int, default=seed, help=f"of the plan and the load ({seed})")
    parser.add_argument(
        "--rounds", type=_at_least_0, default=rounds, metavar="N", help=f"of all faults ({rounds})"
    )
    parser.add_argument("--load", type=_above_0, default=100.0, metavar="HZ", help="puts a second (100)")
    parser.add_argument(
        "--minutes-quiet",
        type=_at_least_0,
        default=minutes_quiet,
        metavar="N",
        help=f"before the first fault ({minutes_quiet})",
    )


def _at_least_0(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError(text)
    return number


def _above_0(text: str) -> float:
    if not (number := float(text)) > 0:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
