"""The index of similar blocks: how fast, how large, what it finds; and whether a learned ranker is worth it.

Run: ``make bench-dedup-index``, with the corpus in ``DWCP_CORPUS`` to judge on real versions too.

The index is filled with blocks that are nothing alike, whose features are drawn and not computed, and a few
hundred real ones among them. Looked for are edited copies of those: a share of their bytes was replaced, in
short pieces. Recall is the share of copies whose original is among what is found. Candidates are all blocks
that are held against the one that is looked for. Times are of one thread, hashing told apart.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from benchmarks.corpus import corpus_folder
from benchmarks.dedup_rankers import judged_sets, show_sets
from benchmarks.reporting import RESULTS, report
from benchmarks.storage.sets import corpus_sets, released_sets
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dwcp.errors import InputError
from dwcp.evaluation import Gate, check_gates
from dwcp.tasks.dedup.contract import FEATURES, GRAMS, MOST_CANDIDATES
from dwcp.tasks.dedup.examples import edited, made_up_block
from dwcp.tasks.dedup.features import SKETCH, sketch
from dwcp.tasks.dedup.index import SuperFeatureIndex
from dwcp.tasks.dedup.simhash import BANDS, SimHashIndex, simhash

COUNTS = (10_000, 100_000, 1_000_000)
EDIT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
ORIGINALS = 300
BLOCK_BYTES = 16 * 1024
SEED = 11
HASHED = 300
SHIPS = "super-features"
GATES = (
    Gate("lookup_p99_ms", 10.0, "at_most", "99th percentile of looking one block up among the most blocks"),
    Gate("sketch_mb_per_s", 200.0, "at_least", "plaintext hashed a second, blocks of 64 KiB"),
    Gate("recall_at_5_percent", 0.9, "at_least", "originals found of copies of which 5 % was replaced"),
    Gate("bytes_a_block", 256.0, "at_most", "memory of the index with the most blocks, each"),
)


@dataclass(frozen=True)
class Subject:
    """An index under test. Blocks have numbers, in the order in which they were added.

    Attributes:
        name: for tables.
        hash: what is looked up and added for a block.
        draw: what so many unrelated blocks would give.
        add: adds a block.
        find: numbers of what is alike.
        held: how many blocks are held against one.
        size_bytes: memory.
    """

    name: str
    hash: Callable[[bytes], Any]
    draw: Callable[[int, np.random.Generator], Iterator[Any]]
    add: Callable[[Any], object]
    find: Callable[[Any], list[int]]
    held: Callable[[Any], int]
    size_bytes: Callable[[], int]


def super_features() -> Subject:
    """What ships."""
    index = SuperFeatureIndex()

    def draw(count: int, rng: np.random.Generator) -> Iterator[NDArray[np.void]]:
        rows = np.empty(count, SKETCH)
        rows["features"] = rng.integers(0, 1 << 32, (count, FEATURES), np.uint32)
        rows["grams"] = rng.integers(0, 256, (count, GRAMS), np.uint8)
        return iter(rows)

    return Subject(
        SHIPS,
        sketch,
        draw,
        lambda looks: index.add(len(index).to_bytes(32, "little"), looks, BLOCK_BYTES),
        lambda looks: [int.from_bytes(one.base, "little") for one in index.find(looks)],
        lambda looks: len(index.look_up(looks)[0]),
        lambda: index.size_bytes,
    )


def simhash_lsh() -> Subject:
    """The published design."""
    index = SimHashIndex()
    return Subject(
        "simhash + lsh",
        simhash,
        lambda count, rng: iter(rng.integers(0, 1 << 16, (count, BANDS), np.uint16)),
        index.add,
        lambda looks: index.find(looks, MOST_CANDIDATES)[0],
        lambda looks: index.find(looks, MOST_CANDIDATES)[1],
        lambda: index.size_bytes,
    )


@dataclass(frozen=True)
class Copies:
    """Real blocks and edited copies of each."""

    originals: list[bytes]
    copies: dict[float, list[bytes]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.monotonic()
    left_out: list[str] = []
    made = copies(options.originals)
    rows = []
    for subject in (super_features(), simhash_lsh()):
        rows += list(grown(subject, made, [count for count in COUNTS if count <= options.most]))
    speeds = {name: round(rate, 1) for name, rate in hash_speeds()}
    show(rows, speeds)
    sets, data = {}, {}
    try:
        corpus = corpus_folder(options.corpus)
        with tempfile.TemporaryDirectory() as place:
            found = list(corpus_sets(corpus, Path(place)))
            if options.releases:
                found += released_sets(options.downloads, Path(place))
            sets = judged_sets(found)
            data = {one.name: one.data for one in found}
        show_sets(sets)
    except InputError as error:
        left_out.append(str(error))
    for line in left_out:
        print(f"left out: {line}")
    figures = {
        "growth": rows,
        "hash_mb_per_s": speeds,
        "version_sets": sets,
        "block_bytes": BLOCK_BYTES,
        "left_out": left_out,
    }
    gates = check_gates(GATES, gated(rows, speeds))
    about = {"seed": SEED, "originals": options.originals, "version_sets": data}
    return report("dedup-index", figures, about, gates, time.monotonic() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: DWCP_CORPUS, else data/corpus")
    parser.add_argument(
        "--downloads",
        type=Path,
        default=Path(".dwcp/bench/versions"),
        metavar="DIR",
        help="where releases are",
    )
    parser.add_argument("--no-releases", dest="releases", action="store_false", help="the corpus alone")
    parser.add_argument(
        "--most", type=int, default=COUNTS[-1], metavar="N", help="index up to so many blocks"
    )
    parser.add_argument(
        "--originals", type=int, default=ORIGINALS, metavar="N", help="real blocks to look for"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="for dedup-index.json")
    return parser.parse_args(arguments)


def copies(count: int) -> Copies:
    """Originals of text and numbers, and one copy of each for each share."""
    rng = Random(SEED)
    originals = [made_up_block(BLOCK_BYTES, rng) for _ in range(count)]
    return Copies(
        originals, {share: [edited(block, share, rng) for block in originals] for share in EDIT_SHARES}
    )


def grown(subject: Subject, made: Copies, counts: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Fill an index, and measure it at each count."""
    rng = np.random.default_rng(SEED)
    for block in made.originals:
        subject.add(subject.hash(block))
    wanted = {share: [subject.hash(block) for block in blocks] for share, blocks in made.copies.items()}
    added = len(made.originals)
    for count in counts:
        add_s = timed(subject.add, subject.draw(count - added, rng))
        added = count
        find_s = timed(subject.find, (looks for group in wanted.values() for looks in group))
        recall = {
            f"{share:g}": sum(number in subject.find(looks) for number, looks in enumerate(group))
            / len(group)
            for share, group in wanted.items()
        }
        held = [subject.held(looks) for group in wanted.values() for looks in group]
        yield {
            "index": subject.name,
            "blocks": count,
            "lookup_p50_ms": quantile_ms(find_s, 0.5),
            "lookup_p99_ms": quantile_ms(find_s, 0.99),
            "insert_p50_ms": quantile_ms(add_s, 0.5),
            "insert_p99_ms": quantile_ms(add_s, 0.99),
            "insert_max_ms": quantile_ms(add_s, 1.0),
            "insert_mean_ms": round(float(add_s.mean()) * 1e3, 4),
            "recall": recall,
            "candidates": round(float(np.mean(held)), 1),
            "candidate_share": float(np.mean(held)) / count,
            "bytes_a_block": round(subject.size_bytes() / count, 1),
        }


def timed(call: Callable[[Any], object], items: Iterator[Any]) -> NDArray[np.float64]:
    """Seconds of one call an item."""
    seconds = []
    for item in items:
        started = time.perf_counter()
        call(item)
        seconds.append(time.perf_counter() - started)
    return np.array(seconds)


def quantile_ms(seconds: NDArray[np.float64], share: float) -> float:
    return round(float(np.quantile(seconds, share)) * 1e3, 4)


def hash_speeds() -> Iterator[tuple[str, float]]:
    """Megabytes a second by kind of hash and length of block."""
    rng = Random(SEED)
    for size_bytes in (4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024):
        block = made_up_block(size_bytes, rng)
        for name, call in (("super-features", sketch), ("simhash", simhash)):
            best_s = timed(call, iter([block] * HASHED)).min()
            yield f"{name}, {size_bytes // 1024} KiB", float(size_bytes / 1e6 / best_s)


def gated(rows: Sequence[dict[str, Any]], speeds: dict[str, float]) -> dict[str, float]:
    """Of what ships, with the most blocks."""
    last = [row for row in rows if row["index"] == SHIPS][-1]
    return {
        "lookup_p99_ms": last["lookup_p99_ms"],
        "sketch_mb_per_s": speeds["super-features, 64 KiB"],
        "recall_at_5_percent": last["recall"]["0.05"],
        "bytes_a_block": last["bytes_a_block"],
    }


def show(rows: Sequence[dict[str, Any]], speeds: dict[str, float]) -> None:
    table = Table(title="Indexes as they grow", title_justify="left")
    table.add_column("index")
    headings = ("blocks", "p50 ms", "p99 ms", "add ms", "add max ms", "candidates", "B a block")
    for heading in (*headings, *(f"recall {share:.0%}" for share in EDIT_SHARES)):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row["index"],
            f"{row['blocks']:,}",
            f"{row['lookup_p50_ms']:.3f}",
            f"{row['lookup_p99_ms']:.3f}",
            f"{row['insert_mean_ms']:.3f}",
            f"{row['insert_max_ms']:.0f}",
            f"{row['candidates']:g}",
            f"{row['bytes_a_block']:.0f}",
            *(f"{share:.2f}" for share in row["recall"].values()),
        )
    console = Console(width=140)
    console.print(table)
    for name, rate in speeds.items():
        console.print(f"hashing, {name}: {rate:.0f} MB/s")


if __name__ == "__main__":
    sys.exit(main())
