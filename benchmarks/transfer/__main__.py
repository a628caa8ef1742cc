"""Transfers side by side in one run: ours, other tools and the limit, on links that were checked first.

Run: ``make bench-transfer`` as root, with the corpus in ``DWCP_CORPUS``, or ``--data DIR`` for any folder.

Each transfer goes into a fresh folder in memory, over a link between two network namespaces of this machine,
and what arrived is compared byte for byte. Peers take turns; times are medians, from the start of the sending
command until the receiver has everything, with the start of every program in it. Processor time and memory
are those of all processes of an end. Bytes are those that the ends' devices sent.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.corpus import corpus_folder, digests
from benchmarks.reporting import RESULTS, report
from benchmarks.transfer import gates, limits, links, ours, relay, tables
from benchmarks.transfer.alone import Alone, alone, files_of
from benchmarks.transfer.gates import Result
from benchmarks.transfer.limits import Limit, Oracle
from benchmarks.transfer.peers import OTHERS, Peer
from benchmarks.transfer.plan import LEFT_OUT, USUAL, Data, Kind, Step, everything, too_fast
from benchmarks.transfer.plot import plot
from benchmarks.transfer.rounds import compete
from benchmarks.transfer.trees import Job

from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import atomic_write, check_gates
from dwcp.settings import load_settings
from dwcp.simulate import shaped_link

PARTS = Path(".dwcp/bench")
CACHE = PARTS / "transfer-oracle.json"
PLOTTED = (
    ours.PLAIN,
    "rsync -z (zstd 3)",
    "tar | zstd --adapt | nc",
    "tar | zstd -3 | nc",
    "tar | lz4 | nc",
    "tar | nc",
    "rsync",
)
_VERSIONS = ("rsync", "zstd", "lz4", "rclone", "restic", "borg", "iperf3")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.monotonic()
    try:
        data = Data(corpus_folder(options.corpus), options.data, options.large_mib << 20)
        needs()
        with memory_folder() as work:
            bench = Bench(options, data, work)
            results = list(bench.run())
    except DwcpError as error:
        print(f"bench-transfer: {error}", file=sys.stderr)
        return 2
    short = gates.short(results)
    tables.short_list(short)
    for line in bench.left_out:
        print(f"left out: {line}")
    figures = {
        "steps": [tables.as_json(result) for result in results],
        "short": short,
        "left_out": bench.left_out,
        "relay_ceiling_mbps": {
            "without_loss": bench.ceilings.get(False),
            "with_loss": bench.ceilings.get(True),
        },
        "limits": {"first_copy": limits.FIRST_COPY, "second_version": limits.SECOND_VERSION},
        "remarks": {peer.name: peer.remark for peer in OTHERS if peer.remark},
        "versions": versions(),
        "tcp": tcp_settings(),
    }
    drawing = plot("First copy: time over the limit's", curves(results))
    atomic_write(options.results / "transfer.svg", drawing.encode())
    told = digests(sorted(path for path in data.corpus.iterdir() if path.is_file()))
    checked = check_gates(gates.GATES, gates.figures(results))
    return report("transfer", figures, told, checked, time.monotonic() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfer", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: DWCP_CORPUS, else data/corpus")
    parser.add_argument("--data", type=Path, metavar="DIR", help="send this folder in first copies instead")
    parser.add_argument("--full", action="store_true", help="every link with all data and peers: hours")
    parser.add_argument("--only", default="", metavar="TEXT", help="steps whose name holds this; see --list")
    parser.add_argument("--peer", default="", metavar="TEXT", help="peers whose name holds this")
    parser.add_argument("--list", action="store_true", help="name the steps and end")
    parser.add_argument(
        "--rounds", type=int, default=3, choices=range(1, 21), metavar="N", help="at most (3)"
    )
    parser.add_argument(
        "--most-s", type=float, metavar="S", help="stop a transfer after this (60; with --full 600)"
    )
    parser.add_argument("--large-mib", type=int, default=1024, metavar="N", help="made-up data (1024)")
    parser.add_argument("--home", type=Path, default=load_settings().home, help="folder with the models")
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help=f"of transfer.json; of a part of the steps {PARTS}"
    )
    options = parser.parse_args(arguments)
    if options.most_s is None:
        options.most_s = 600.0 if options.full else 60.0
    if options.results is None:
        options.results = PARTS if options.only or options.peer else RESULTS
    if options.list:
        for step in everything() if options.full else USUAL:
            print(name_of(step))
        parser.exit()
    return options


class Bench:
    """The steps that were asked for, one after the other.

    Args:
        options: the command line.
        data: where data comes from.
        work: a folder in memory.
    """

    def __init__(self, options: argparse.Namespace, data: Data, work: Path) -> None:
        self.left_out: list[str] = [] if options.full else [LEFT_OUT]
        self.ceilings: dict[bool, float] = {}
        self._options = options
        self._data = data
        self._work = work
        self._oracle = Oracle(CACHE)
        self._checks: dict[str, links.LinkCheck] = {}
        self._others = [peer for peer in OTHERS if not self._is_missing(peer.name, peer.missing())]
        self._has_ours = not self._is_missing("dwcp", ours.missing())

    def run(self) -> Iterator[Result]:
        """Measure, show and give every step."""
        steps = [
            step
            for step in (everything() if self._options.full else USUAL)
            if self._options.only in name_of(step)
        ]
        if not steps:
            raise InputError(f"no step's name holds {self._options.only!r}: --list names them")
        steps = self._carried(steps)
        for number, step in enumerate(steps):
            self._tell(f"{number + 1}/{len(steps)} {step}")
            result = self._measure(step)
            tables.show(result)
            yield result

    def _carried(self, steps: Sequence[Step]) -> list[Step]:
        """Without the links that need more than the relay can carry here."""
        delayed = {step.point.shape.loss > 0 for step in steps if step.point.kind == "relay"}
        reason = relay.available() if delayed else None
        if reason:
            self.left_out.append(f"every link with a delay: {reason}")
            return [step for step in steps if step.point.kind != "relay"]
        for lossy in sorted(delayed):
            self.ceilings[lossy] = links.measured_ceiling_mbps(lossy, self._work / "relay.log")
            self._tell(
                f"the relay carries {self.ceilings[lossy]:,.0f} Mbit/s {'with' if lossy else 'without'} loss"
            )
        reasons = {step.point.key: too_fast(step.point, self.ceilings) for step in steps}
        self.left_out += [reason for reason in reasons.values() if reason]
        return [step for step in steps if reasons[step.point.key] is None]

    def _measure(self, step: Step) -> Result:
        source = self._work / "source"
        shutil.rmtree(source, ignore_errors=True)
        job = self._data.build(step, source)
        with step.point.open() as link:
            key = step.point.key
            if key not in self._checks:
                self._checks[key] = links.check(step.point, link, self._work / "check.log")
            rows = compete(
                link,
                self._peers(step, job),
                job,
                self._work / "run",
                rounds=self._options.rounds,
                most_s=self._options.most_s,
                every_round=self._options.full,
                tell=self._tell,
            )
        times = alone(files_of(job))
        payload_mbps = step.point.ideal_mbps or self._checks[key].goodput_mbps
        return Result(
            step, self._checks[key], job, self._limit(step, job, payload_mbps, times), times, tuple(rows)
        )

    def _limit(self, step: Step, job: Job, payload_mbps: float, times: Alone) -> Limit | None:
        match step.kind:
            case Kind.FIRST:
                return self._oracle.first_copy(job, payload_mbps, times.both_s)
            case Kind.SECOND:
                return self._oracle.second_version(job, payload_mbps, times.both_s)
            case _:
                return None

    def _peers(self, step: Step, job: Job) -> list[Peer]:
        rate = step.point.shape.rate_mbps or float("inf")
        own = ours.ours(step.point, job, self._options.home) if self._has_ours else []
        fit = [peer for peer in (*own, *self._others) if peer.most_mbps is None or rate <= peer.most_mbps]
        if step.brief and not self._options.full:
            fit = [peer for peer in fit if peer.brief]
        chosen = [peer for peer in fit if self._options.peer in peer.name]
        if not chosen:
            raise InputError(f"no peer's name holds {self._options.peer!r} in {step}")
        return chosen

    def _is_missing(self, name: str, reason: str | None) -> bool:
        if reason:
            self.left_out.append(f"{name}: {reason}")
        return reason is not None

    def _tell(self, words: str) -> None:
        if sys.stdout.isatty():
            print(f"\r\033[K{words}", end="", flush=True)
        elif not words.startswith("round"):
            print(words, flush=True)


def name_of(step: Step) -> str:
    """Rate, RTT, loss, congestion control and kind, e.g. ``100/20/1/cubic first copy``."""
    return f"{step.point.key} {step.kind}"


def needs() -> None:
    """Check that links can be made and checked here.

    Raises:
        InputError: they cannot.
    """
    reason = shaped_link.available()
    if reason is None and shutil.which("iperf3") is None:
        reason = "iperf3, which checks them, is not installed"
    if reason:
        raise InputError(f"no links can be made here: {reason}")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory that goes when the block ends.

    Raises:
        InputError: there is no ``/dev/shm``.
    """
    if not Path("/dev/shm").is_dir():
        raise InputError("there is no /dev/shm, and a disk would be measured instead of the transfer")
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="dwcp-bench-") as folder:
        yield Path(folder)


def curves(results: Sequence[Result]) -> dict[str, list[tuple[float, float]]]:
    """First copies over links that the kernel alone shapes; the unshaped link at what iperf3 reached."""
    drawn: dict[str, list[tuple[float, float]]] = {name: [] for name in PLOTTED}
    for result in results:
        if (
            result.step.kind is not Kind.FIRST
            or result.step.point.kind != "veth"
            or result.step.point.shape.loss
        ):
            continue
        rate = result.step.point.shape.rate_mbps or result.check.goodput_mbps
        for row in result.rows:
            ratio = result.over_limit(row)
            if row.peer in drawn and ratio and not row.problem:
                drawn[row.peer].append((rate, ratio))
    return drawn


def versions() -> dict[str, str]:
    """The first line of what each tool says of itself."""
    return {program: _version(program) for program in _VERSIONS if shutil.which(program)}


def _version(program: str) -> str:
    word = "version" if program in ("rclone", "restic") else "--version"
    done = subprocess.run([program, word], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0].strip()


def tcp_settings() -> Mapping[str, str]:
    """Buffers of TCP, least, usual and most bytes: those of the system, for everybody alike."""
    folder = Path("/proc/sys/net/ipv4")
    return {name: " ".join((folder / name).read_text().split()) for name in ("tcp_rmem", "tcp_wmem")}


if __name__ == "__main__":
    sys.exit(main())
