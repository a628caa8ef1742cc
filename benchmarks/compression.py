"""How good the compression selector is on files it has not seen, on every link, beside rules and the limit.

Every family of the corpus (a file with its other versions) is left out once: a selector is trained on the
other families and on files found on this machine, and judged on the family left out. The corpus is measured
twice; how well the first run's oracle does on the second run is what measuring noise allows.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from compression_tables import ask_seconds, print_tables, summarise
from corpus import corpus_folder, digests
from dwcp.cli.demo.files import choose, default_roots, survey
from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import Policy, best_fixed, replay
from dwcp.task import TrainingOptions
from dwcp.tasks.compression.contract import CANDIDATES, Action
from dwcp.tasks.compression.grid import (
    COST_MODELS,
    LINKS_MBPS,
    CompressionCase,
    Point,
    Run,
    as_runs,
    at_point,
)
from dwcp.tasks.compression.measure import MeasureOptions, measure
from dwcp.tasks.compression.oracle import cost_s
from dwcp.tasks.compression.policy import LearnedPolicy
from dwcp.tasks.compression.rules import LadderPolicy, fixed
from dwcp.tasks.compression.sources import BlockSource, cut, find_files
from dwcp.tasks.compression.table import read_table, write_table
from dwcp.tasks.compression.task import cases_of
from reporting import report

BLOCK_BYTES = 256 * 1024
LOCAL_LARGE, LOCAL_ANY = 650, 150
FILES_OF_FOLDER = 48
POINTS = tuple(Point(mbps, model) for model in COST_MODELS for mbps in LINKS_MBPS)
VARIANTS = {
    "selector": None,
    "trees": (1.0, 0.0),
    "network": (0.0, 1.0),
    "published": (0.7, 0.3),
    "stem": (0.0, 0.0),
}
"""Names to shares of trees and network; None for the shares that validation chose."""


@dataclass(frozen=True)
class Chosen:
    """What every policy chose on one family: ``[policy][point][row]``, block by block and run by run."""

    family: str
    blocks: dict[str, list[list[str]]]
    runs: dict[str, list[list[str]]]
    shares: tuple[float, float]
    seconds: float


def judge_family(
    family: str, corpus: Sequence[CompressionCase], local: Sequence[CompressionCase], options: TrainingOptions
) -> Chosen:
    """Train without a family and let every policy choose on it."""
    os.environ["OMP_NUM_THREADS"] = "1"
    from dwcp.tasks.compression.classifier import fit_classifier
    from dwcp.tasks.compression.model import CompressionLearner
    from dwcp.training.graph import ExportedGraph

    started = time.monotonic()
    train = [case for case in corpus if case.group != family] + list(local)
    test = [case for case in corpus if case.group == family]
    fitted = CompressionLearner().fit(train, [], options, lambda _share, _words: None)
    judged = {point: at_point(train, point) for point in POINTS}
    classifier = fit_classifier([case for cases in judged.values() for case in cases], options.seed)
    policies: dict[str, Callable[[Point], Policy]] = {
        "fallback": lambda _: LadderPolicy(),
        "zstd-3": lambda _: fixed("zstd-3"),
        "classifier": lambda _: classifier,
        "best fixed": lambda point: _best_fixed(judged[point]),
    }
    for name, shares in VARIANTS.items():
        variant = fitted if shares is None else fitted.with_weights(*shares)
        learned = LearnedPolicy(ExportedGraph(variant.to_onnx()), name)
        policies[name] = lambda _, learned=learned: learned
    still = LearnedPolicy(ExportedGraph(fitted.to_onnx()), curiosity=0.0)
    policies["selector, not curious"] = lambda _: still
    blocks, runs = {}, {}
    for name, at in policies.items():
        blocks[name] = [_choices(at_point(test, point), at(point), options.seed) for point in POINTS]
        runs[name] = [
            _run_choices(as_runs(at_point(test, point), point), at(point), options.seed) for point in POINTS
        ]
    shares = (fitted.tree_weight, fitted.network_weight)
    return Chosen(family, blocks, runs, shares, time.monotonic() - started)


def _choices(cases: Sequence[CompressionCase], policy: Policy, seed: int) -> list[str]:
    return [str(action) for action in replay(cases, policy, cost_s, seed).chosen]


def _run_choices(runs: Sequence[Run], policy: Policy, seed: int) -> list[str]:
    """What is done with runs: where asking does not pay, the fallback answers unasked."""
    asks = isinstance(policy, LearnedPolicy) or policy.name == "classifier"
    asked = [run.case for run in runs if run.look or not asks]
    answers = iter(_choices(asked, policy, seed) if asked else [])
    unasked = iter(_choices([run.case for run in runs], LadderPolicy(), seed))
    return [next(answers) if run.look or not asks else rule for run, rule in zip(runs, unasked, strict=True)]


def _best_fixed(train: Sequence[CompressionCase]) -> Policy:
    plain = [action for action in CANDIDATES if not action.use_reference]
    chosen: Action = best_fixed(train, cost_s, plain).action
    return fixed(chosen.name)


def judge_all(
    corpus: Sequence[CompressionCase],
    local: Sequence[CompressionCase],
    options: TrainingOptions,
    workers: int,
) -> list[Chosen]:
    """Every family left out once, in processes of one thread each, with progress."""
    families = sorted({case.group for case in corpus})
    done = []
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(judge_family, family, corpus, local, options) for family in families]
        for finished in as_completed(waiting):
            chosen = finished.result()
            done.append(chosen)
            print(
                f"  {len(done):2d}/{len(families)} {chosen.family}: trees {chosen.shares[0]:g}, "
                f"network {chosen.shares[1]:g}, {chosen.seconds:.0f} s",
                flush=True,
            )
    return sorted(done, key=lambda chosen: chosen.family)


def measured(name: str, cache: Path, sources: Iterable[BlockSource], *, fresh: bool) -> list[CompressionCase]:
    """The cases of a measured table; measured now unless it stands in the cache."""
    table = cache / f"{name}.parquet"
    if fresh or not table.exists():
        listed, shown = list(sources), [time.monotonic()]

        def tell(share: float, words: str) -> None:
            if time.monotonic() - shown[0] > 15:
                shown[0] = time.monotonic()
                print(f"  {name}: {share:.0%} ({words})", flush=True)

        print(f"measuring {name}: {len(listed)} blocks, every candidate on each", flush=True)
        write_table(measure(listed, MeasureOptions(), tell), table)
    else:
        print(f"re-using {table}; --fresh measures anew")
    return cases_of(read_table(table))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, leave out, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: make bench-compression")
    parser.add_argument("--corpus", type=Path, help="its folder (default: DWCP_CORPUS, data/corpus)")
    parser.add_argument("--cache", type=Path, default=Path(".dwcp/bench"), help="where measured tables stay")
    parser.add_argument("--fresh", action="store_true", help="measure anew")
    parser.add_argument("--epochs", type=int, default=100, help="of the network")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--workers", type=int, default=2, help="families judged at the same time")
    chosen = parser.parse_args(arguments)
    try:
        return run(chosen)
    except DwcpError as error:
        print(f"bench-compression: {error}", file=sys.stderr)
        return 2


def run(arguments: argparse.Namespace) -> int:
    """The benchmark itself; gives the exit code."""
    started = time.monotonic()
    folder = corpus_folder(arguments.corpus)
    files = [file for file in find_files([folder]) if file.suffix != ".tsv"]
    blocks = list(cut(files, BLOCK_BYTES, None, by_folder=False))
    found = survey(default_roots(), folder, FILES_OF_FOLDER).files
    large = [file for file in found if file.size_bytes >= BLOCK_BYTES]
    local_blocks = [
        block
        for files_of, most in ((large, LOCAL_LARGE), (found, LOCAL_ANY))
        for block in choose(files_of, BLOCK_BYTES, most, versions=False)
    ]
    first, local, second = (
        measured(name, arguments.cache, sources, fresh=arguments.fresh)
        for name, sources in (("corpus-1", blocks), ("local", local_blocks), ("corpus-2", blocks))
    )
    if [case.context.flow for case in first] != [case.context.flow for case in second]:
        raise InputError(f"the tables in {arguments.cache} are of different files; run again with --fresh")
    print(f"training on all families but one, and {len(local)} blocks of this machine", flush=True)
    options = TrainingOptions(seed=arguments.seed, epochs=arguments.epochs)
    done = judge_all(first, local, options, arguments.workers)
    order = sorted({case.group for case in first})
    corpus = [case for family in order for case in first if case.group == family]
    again = [case for family in order for case in second if case.group == family]
    summary = summarise(done, corpus, again, POINTS, ask_seconds(files[0]), arguments.seed)
    print_tables(summary)
    data: Mapping[str, object] = {
        "corpus": digests(files),
        "blocks": len(corpus),
        "block_bytes": BLOCK_BYTES,
        "training_blocks_of_this_machine": len(local),
        "speed_ms_per_mib": dict(corpus[0].context.host.speed),
    }
    return report("compression", summary.as_json(), data, summary.gates, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
