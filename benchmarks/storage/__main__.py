"""Stores beside each other on sets of versions: bytes, time and memory, and whether everything comes back.

Run: ``make bench-storage`` with the corpus in ``DWCP_CORPUS``; or for any folders as consecutive versions
``python -m benchmarks.storage --data OLD NEW``.

Versions are put one after the other, each by a process of its own, which starts within the time. Memory is
the peak of the largest process. Bytes are those of all files that are needed to give the versions back;
caches that can be made again are told apart. Everything is got back and compared.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.corpus import corpus_folder
from benchmarks.reporting import RESULTS, report
from benchmarks.storage import growth
from benchmarks.storage.contenders import CONTENDERS, Contender
from benchmarks.storage.figures import GATES, as_json, gated, show
from benchmarks.storage.growth import GROWTH_GIB, grow
from benchmarks.storage.runs import run
from benchmarks.storage.sets import VersionSet, corpus_sets, given_set, released_sets

from dwcp.errors import InputError
from dwcp.evaluation import check_gates

DOWNLOADS = Path(".dwcp/bench/versions")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.monotonic()
    left_out: list[str] = []
    found = {}
    try:
        contenders = list(installed(options.only, left_out))
        with tempfile.TemporaryDirectory(dir=options.work) as place:
            work = Path(place)
            for versions in sets(options, work, left_out):
                print(f"{versions.name} ...", flush=True)
                rows = {one.name: run(one, versions, work) for one in contenders}
                show(versions, rows)
                found[versions.name] = versions, rows
        sizes = () if options.data else options.growth
        grown = list(grow(contenders, options.work, sizes, lambda words: print(words, flush=True)))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for line in left_out:
        print(f"left out: {line}")
    figures = {
        "sets": as_json(found),
        "gated": gated(found),
        "growth": growth.as_json(grown),
        "left_out": left_out,
        "remarks": {one.name: one.remark for one in contenders if one.remark},
    }
    data = {name: versions.data for name, (versions, _) in found.items()}
    gates = check_gates(GATES, gated(found))
    return report("storage", figures, data, gates, time.monotonic() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: DWCP_CORPUS, else data/corpus")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        action="append",
        metavar="DIR",
        help="store these folders, oldest first, instead; may be given more than once",
    )
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, metavar="DIR", help="where releases are")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="*",
        default=GROWTH_GIB,
        metavar="GIB",
        help="sizes of made-up data, most of it holes (1 4 16 64); none to leave that out",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders whose names begin so")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where to work: room for some GB")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="for storage.json")
    return parser.parse_args(arguments)


def installed(only: Sequence[str] | None, left_out: list[str]) -> Iterator[Contender]:
    """Those that were asked for and can run here."""
    for contender in CONTENDERS:
        if only and not contender.name.startswith(tuple(only)):
            continue
        missing = contender.missing()
        if missing is None:
            yield contender
        else:
            left_out.append(f"{contender.name}: {missing}")


def sets(options: argparse.Namespace, work: Path, left_out: list[str]) -> Iterator[VersionSet]:
    """The folders given; else releases, where they can be had, and the corpus' pairs.

    Raises:
        InputError: a folder, or the corpus, is not there.
    """
    if options.data:
        for number, folders in enumerate(options.data):
            yield given_set(folders, work / str(number))
        return
    corpus = corpus_folder(options.corpus)
    try:
        yield from released_sets(options.downloads, work)
    except InputError as error:
        left_out.append(str(error))
    yield from corpus_sets(corpus, work)


if __name__ == "__main__":
    sys.exit(main())
