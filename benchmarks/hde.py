"""HDE beside other delta tools: how small a new version gets, and how fast, given the old one.

Run: ``make bench-hde`` with the corpus in ``DWCP_CORPUS``, or ``python benchmarks/hde.py --pair OLD NEW``.

Every figure is the best of several rounds, the contenders taking turns. Speeds are megabytes of the new
version a second of CPU time: the thread's within the process, user and system of a tool's process (which
starts up and reads and writes its files in that time).
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from corpus import corpus_folder, digests, read
from dwcp.codecs import Codec, Hierarchy, ReferenceStore, Zstd, decode, windows
from dwcp.errors import InputError
from dwcp.evaluation import Gate, check_gates
from reporting import RESULTS, report

SOURCE_PAIR = "src_zstd_v1.5.6.tar"
CORPUS_PAIRS = (
    ("src_zstd_v1.5.5.tar", SOURCE_PAIR),
    ("mem_heap_t1.bin", "mem_heap_t2.bin"),
    ("vm_ext4_v1.img", "vm_ext4_v2.img"),
)
LEVELS = (1, 3, 9)
GATED = "hde-3"
BLOCK_BYTES = 1 << 20
MARGIN_BYTES = 1 << 18
SLOW_S = 4.0

SOURCE_GATES = (
    Gate(
        "source_ratio", 50.0, "at_least", f"plain over stored bytes of {SOURCE_PAIR}, {GATED}, whole object"
    ),
    Gate("source_encode_mbps", 200.0, "at_least", "megabytes a CPU second of the same"),
)
EXACT_GATE = Gate(
    "exact_share", 1.0, "at_least", "share of runs, every contender's, that gave the bytes back"
)


@dataclass(frozen=True)
class Pair:
    """Two versions of an object."""

    old: Path
    new: Path

    @property
    def name(self) -> str:
        """Both file names."""
        return f"{self.old.name} -> {self.new.name}"


@dataclass(frozen=True)
class Run:
    """What one contender made of one pair; CPU seconds."""

    stored_bytes: int
    encode_s: float
    decode_s: float
    exact: bool

    def best(self, other: "Run") -> "Run":
        """The faster of each, exact only if both were."""
        return replace(
            self,
            encode_s=min(self.encode_s, other.encode_s),
            decode_s=min(self.decode_s, other.decode_s),
            exact=self.exact and other.exact,
        )


class Contender(Protocol):
    """Something that encodes a new version against an old one."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    def run(self, pair: Pair) -> Run:
        """Encode, decode and compare once."""
        ...


@dataclass(frozen=True)
class InProcess:
    """A codec of ours. The old version's id is known beforehand: it is the key it is stored under."""

    name: str
    codec: Codec
    block_bytes: int | None = None

    def run(self, pair: Pair) -> Run:
        """Whole object, or block by block with a window of the old version round each."""
        old, new = read(pair.old), read(pair.new)
        store = ReferenceStore(len(old))
        reference = store.add(old)
        cut = [(memoryview(new), reference)]
        if self.block_bytes is not None:
            cut = list(windows(new, reference, self.block_bytes, MARGIN_BYTES))
        started = time.thread_time()
        stored = [self.codec.encode(block, part) for block, part in cut]
        encoded = time.thread_time()
        back = [decode(block, len(new), store) for block in stored]
        decoded = time.thread_time()
        exact = b"".join(back) == new
        return Run(sum(map(len, stored)), encoded - started, decoded - encoded, exact)


@dataclass(frozen=True)
class Tool:
    """A program. ``{old}``, ``{new}``, ``{stored}`` and ``{back}`` in its commands are files."""

    name: str
    encode: str
    decode: str

    @property
    def program(self) -> str:
        """What has to be installed."""
        return self.encode.split()[0]

    def run(self, pair: Pair) -> Run:
        """Both commands, in a folder that goes when they are done."""
        with tempfile.TemporaryDirectory() as folder:
            files = {
                "old": str(pair.old),
                "new": str(pair.new),
                "stored": f"{folder}/stored",
                "back": f"{folder}/back",
            }
            encode_s, decode_s = (child_cpu_s(command, files) for command in (self.encode, self.decode))
            exact = read(Path(files["back"])) == read(pair.new)
            return Run(Path(files["stored"]).stat().st_size, encode_s, decode_s, exact)


CONTENDERS: tuple[Contender, ...] = (
    *(InProcess(f"hde-{level}", Hierarchy(level)) for level in LEVELS),
    *(InProcess(f"hde-{level}, 1 MiB blocks", Hierarchy(level), BLOCK_BYTES) for level in LEVELS),
    InProcess("zstd-3, no reference", Zstd(3)),
    *(
        Tool(
            f"zstd -{level} --patch-from",
            f"zstd -q -f -{level} --long=27 --single-thread --patch-from={{old}} {{new}} -o {{stored}}",
            "zstd -q -f -d --long=27 --patch-from={old} {stored} -o {back}",
        )
        for level in (3, 19)
    ),
    *(
        Tool(
            f"xdelta3 -{level}",
            f"xdelta3 -e -{level} -f -s {{old}} {{new}} {{stored}}",
            "xdelta3 -d -f -s {old} {stored} {back}",
        )
        for level in (1, 9)
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    contenders = installed(CONTENDERS)
    try:
        pairs = find_pairs(options.corpus, options.pair)
        data = digests(path for pair in pairs for path in (pair.old, pair.new))
        found = [(pair, measure(pair, contenders, options.rounds)) for pair in pairs]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for pair, runs in found:
        show(pair, runs)
    figures = {pair.name: {name: rates(pair, run) for name, run in runs.items()} for pair, runs in found}
    gates = check_gates((*(() if options.pair else SOURCE_GATES), EXACT_GATE), gated(found))
    return report("hde", figures, data, gates, time.perf_counter() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: DWCP_CORPUS, else data/corpus")
    parser.add_argument(
        "--pair",
        type=Path,
        nargs=2,
        action="append",
        metavar=("OLD", "NEW"),
        help="measure these two versions instead of the corpus; may be given more than once",
    )
    parser.add_argument("--rounds", type=rounds, default=3, help="the best of so many (3)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where hde.json goes")
    return parser.parse_args(arguments)


def rounds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a number of rounds: give 1 or more")
    return int(text)


def find_pairs(corpus: Path | None, given: Sequence[tuple[Path, Path]] | None) -> list[Pair]:
    """The pairs given, else those of the corpus that are there.

    Raises:
        InputError: there are none.
    """
    if given:
        return [Pair(old, new) for old, new in given]
    folder = corpus_folder(corpus)
    pairs = [Pair(folder / old, folder / new) for old, new in CORPUS_PAIRS]
    found = [pair for pair in pairs if pair.old.is_file() and pair.new.is_file()]
    if not found:
        names = "; ".join(pair.name for pair in pairs)
        raise InputError(f"the corpus at {folder} holds no two versions of a file; it should hold {names}")
    return found


def installed(contenders: Sequence[Contender]) -> list[Contender]:
    """Those that can run here; a line for each that cannot."""
    here = []
    for contender in contenders:
        if isinstance(contender, Tool) and shutil.which(contender.program) is None:
            print(f"{contender.name} is left out: {contender.program} is not installed")
        else:
            here.append(contender)
    return here


def measure(pair: Pair, contenders: Sequence[Contender], times: int) -> dict[str, Run]:
    """Every contender in turns, the best of the rounds; a slow one runs once."""
    best: dict[str, Run] = {}
    for _ in range(times):
        for contender in contenders:
            earlier = best.get(contender.name)
            if earlier is None:
                best[contender.name] = contender.run(pair)
            elif earlier.encode_s < SLOW_S:
                best[contender.name] = earlier.best(contender.run(pair))
    return best


def child_cpu_s(command: str, files: Mapping[str, str]) -> float:
    """User and system seconds of a command.

    Raises:
        InputError: the command fails.
    """
    words = [word.format_map(files) for word in command.split()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise InputError(f"{' '.join(words)} failed: {done.stderr.strip() or done.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rates(pair: Pair, run: Run) -> dict[str, float]:
    """Figures of one contender on one pair."""
    plain_bytes = pair.new.stat().st_size
    return {
        "stored_bytes": run.stored_bytes,
        "ratio": round(plain_bytes / run.stored_bytes, 3),
        "encode_mbps": round(plain_bytes / 1e6 / max(run.encode_s, 1e-6), 1),
        "decode_mbps": round(plain_bytes / 1e6 / max(run.decode_s, 1e-6), 1),
        "exact": run.exact,
    }


def gated(found: Sequence[tuple[Pair, Mapping[str, Run]]]) -> dict[str, float]:
    """The figures the gates are held against."""
    every = [run for _, runs in found for run in runs.values()]
    figures = {"exact_share": sum(run.exact for run in every) / len(every)}
    for pair, runs in found:
        if pair.new.name == SOURCE_PAIR:
            source = rates(pair, runs[GATED])
            figures |= {"source_ratio": source["ratio"], "source_encode_mbps": source["encode_mbps"]}
    return figures


def show(pair: Pair, runs: Mapping[str, Run]) -> None:
    """One table a pair."""
    table = Table(title=f"{pair.name}, {pair.new.stat().st_size / 1e6:.1f} MB", title_justify="left")
    table.add_column("encoder")
    for heading in ("ratio", "encode MB/s", "decode MB/s", "exact"):
        table.add_column(heading, justify="right")
    for name, run in runs.items():
        row = rates(pair, run)
        speeds = (f"{row[speed]:.0f}" for speed in ("encode_mbps", "decode_mbps"))
        table.add_row(name, f"{row['ratio']:.2f}", *speeds, "yes" if run.exact else "NO")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
