"""Record a real etcd cluster second by second while faults are done to it (root, Linux).

    python -m benchmarks.consensus record --out recordings/a --members 3 --seed 1 --rounds 2 --load 100

Each member has a network namespace, a cgroup and a file system of its own; a client puts values in an open
loop. The folder gets ``cluster.csv``, ``nodes.csv`` and ``faults.csv`` as that client saw it, and in
``probe`` the same as the live source's read-only probe saw it. Several can run at once with other prefixes.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from benchmarks.consensus.cluster import clean, locked, running_cluster
from benchmarks.consensus.places import Places
from benchmarks.consensus.record import Wishes, record
from benchmarks.consensus.schedule import expected_s, plan

from dwcp.errors import DwcpError

_MEMBERS = (3, 5, 7)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        places = Places(options.prefix, options.work)
        if options.command == "clean":
            with locked(places):
                clean(places)
            return 0
        _record(options, places)
    except DwcpError as error:
        print(f"consensus: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("consensus: stopped; what was recorded so far is kept", file=sys.stderr)
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
    recording.add_argument("--members", type=int, default=3, choices=_MEMBERS)
    recording.add_argument("--seed", type=int, default=1, help="of the plan and the load (1)")
    recording.add_argument("--rounds", type=_at_least_0, default=2, metavar="N", help="of all faults (2)")
    recording.add_argument("--load", type=_above_0, default=100.0, metavar="HZ", help="puts a second (100)")
    recording.add_argument(
        "--minutes-quiet", type=_at_least_0, default=1, metavar="N", help="before the first fault (1)"
    )
    cleaning = commands.add_parser("clean", help="remove what a run that was killed left behind")
    for one in (recording, cleaning):
        one.add_argument("--prefix", default="a", help="of all names, so that several can run at once (a)")
        one.add_argument("--work", type=Path, default=Path("/var/tmp"), metavar="DIR", help="disks and logs")
    return parser.parse_args(arguments)


def _record(options: argparse.Namespace, places: Places) -> None:
    planned = list(plan(options.rounds, Random(options.seed)))
    quiet_s = 60.0 * options.minutes_quiet
    minutes = (expected_s(planned) + quiet_s + 40) / 60
    print(f"{len(planned)} events, about {minutes:.0f} minutes, into {options.out}", flush=True)
    wishes = Wishes(planned, quiet_s, options.load, options.seed)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running_cluster(places, options.members) as cluster:
        asyncio.run(record(cluster, wishes, options.out, lambda words: print(words, flush=True)))


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
