"""Bandwidth forecasts on unseen traces: every rule and every model beside the blends.

Run: ``make bench-bandwidth`` with the sets' folder in ``DWCP_BANDWIDTH``, or
``python benchmarks/bandwidth.py --data DIR``.

Each set is dealt by trace: 60% to train on, 20% to choose by, 20% to judge on; thousands of rows of each.
Networks and trees are trained on the training traces of all sets together, for comparison: no model trained
on a set that may not be used so is given out. ``tcn-simulated`` saw simulated links alone, and
``blend-simulated`` is the blend around it; ``blend-of-rules`` has no model. The gates are held against
``blend``, around the network that saw the training traces. The blends have seen the validation traces of the
set that they are judged on. What a set does not tell (round trips, losses) is missing.
"""

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from bandwidth_models import RECIPES, Trained, train
from bandwidth_optimum import distances
from bandwidth_runs import BLEND, FROM_SIMULATION, Result, run_set
from bandwidth_sets import SEED, SETS, bandwidth_folder
from corpus import digests
from dwcp.errors import InputError
from dwcp.evaluation import Gate, check_gates
from dwcp.tasks.bandwidth.examples import simulated_cases
from dwcp.tasks.bandwidth.inputs import arrays
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.walks import WALKS
from reporting import RESULTS, report

ItemT = TypeVar("ItemT")
FoundT = TypeVar("FoundT")

ROWS = (15_000, 1_500, 4_000)
TARGETS = ("next", "horizon")
MIB = 1 << 20
TIMED = 2000

GATES = (
    Gate("datacenter_least_within_20", 0.85, "at_least", "next step within 20%, the worst data-centre set"),
    Gate("datacenter_accurate_share", 1.0, "at_least", "data-centre sets of correlation 0.98 or MAPE 5%"),
    Gate("datacenter_least_mae_saved", 0.0, "at_least", "error saved against last value, the worst such set"),
    Gate("internet_least_surer_half", 0.70, "at_least", "surer half within 20%, the worst internet set"),
    Gate("internet_least_gain_next", 0.0, "at_least", "within 20% over the best rule, next step, worst set"),
    Gate("internet_least_gain_horizon", 0.0, "at_least", "the same for the mean of the next five steps"),
    Gate("mean_mae_saved_next", 0.15, "at_least", "of last value's error, mean over internet sets"),
    Gate("mean_mae_saved_horizon", 0.25, "at_least", "the same for the mean of the next five steps"),
    Gate("least_coverage", 0.88, "at_least", "of 90% intervals, the worst set and target"),
    Gate("most_coverage", 0.92, "at_most", "of 90% intervals, the widest set and target"),
    Gate("least_worst_decile", 0.87, "at_least", "coverage of the worst tenth of traces, the worst set"),
    Gate("loss_auc_gain", 0.08, "at_least", "AUC over the mean of the last five, the worst set"),
    Gate("jitter_log_skill", 0.0, "at_least", "error of log jitter saved against last value, the worst set"),
    Gate("rtt_within_20", 0.95, "at_least", "round trips within 20%, the worst set"),
    Gate("decide_p99_ms", 1.0, "at_most", "the slowest hundredth of decisions, graph and all"),
    Gate("model_mib", 10.0, "at_most", "the graph's size"),
    Gate(
        "nine_models_mb", 500.0, "at_most", "a fresh process that has opened nine such graphs and asked each"
    ),
)

NINE = """
import sys
from pathlib import Path
from dwcp.serving.runtime import OnnxGraph
from dwcp.tasks.bandwidth.task import TASK
content = Path(sys.argv[1]).read_bytes()
rows = TASK.arrays([case.context for case in TASK.examples(1, 1)])
graphs = [OnnxGraph(content) for _ in range(9)]
for graph in graphs:
    graph.run(rows)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    try:
        folder = bandwidth_folder(options.data)
        sets = [which for which in SETS if (folder / which.file).is_file()]
        if not sets:
            raise InputError(f"the folder {folder} holds none of the sets; it should hold {SETS[0].file}")
        data = digests(folder / which.file for which in sets)
        recipes = [recipe for recipe in RECIPES if not (options.quick and "lstm" in recipe.name)]
        trained = list(run_all(partial(train, folder=folder, most=ROWS), recipes, trained_line))
        results = list(run_all(partial(run_set, folder, ROWS, trained), sets, judged_line))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for result in results:
        show(result)
    best = distances(trained)
    summary = {name: summarise(results, trained, name) for name in (BLEND, FROM_SIMULATION, "blend-of-rules")}
    show_summary(summary)
    figures = {
        "rows_at_most": dict(zip(("train", "validation", "test"), ROWS, strict=True)),
        "models": [
            {
                "name": model.name,
                "training_s": model.training_s,
                "rows": model.rows,
                "parity": model.parity,
                "mib": mib(model),
                "graph_ms": graph_ms(model),
            }
            for model in trained
        ],
        "summary": summary,
        "sets": [result.as_json() for result in results],
        "simulated": [found.as_json() for found in best],
    }
    summary[BLEND] |= {"nine_models_mb": nine_models_mb(trained)}
    summary[BLEND]["decide_p50_ms"], summary[BLEND]["decide_p99_ms"] = decide_ms(trained)
    gates = check_gates(GATES, summary[BLEND])
    return report("bandwidth", figures, data, gates, time.perf_counter() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="default: DWCP_BANDWIDTH, else data/bandwidth"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out the published networks, slow to train"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="DIR", help="where bandwidth.json goes"
    )
    return parser.parse_args(arguments)


def run_all(
    work: Callable[[ItemT], FoundT], items: Sequence[ItemT], line: Callable[[FoundT], str]
) -> Iterable[FoundT]:
    """Two at a time, each in a process of its own; a line for each that is done."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context) as pool:
        for found in pool.map(work, items):
            print(line(found), flush=True)
            yield found


def trained_line(model: Trained) -> str:
    return f"{model.name}: trained on {model.rows} rows in {model.training_s:.0f} s"


def judged_line(result: Result) -> str:
    return f"{result.which}: {result.rows} rows of {result.traces[2]} unseen traces"


def mib(model: Trained) -> float:
    content = model.content if isinstance(model.content, bytes) else b"".join(model.content)
    return len(content) / MIB


def graph_ms(model: Trained) -> tuple[float, float]:
    """Median and 99th percentile of one answer of the graph, in ms."""
    graph, rows = model.graph(), arrays([case.context for case in simulated_cases(TIMED, SEED)])
    taken_ms = []
    for row in range(TIMED):
        one = {name: values[row : row + 1] for name, values in rows.items()}
        started = time.perf_counter_ns()
        graph.run(one)
        taken_ms.append((time.perf_counter_ns() - started) / 1e6)
    return middle_and_tail(taken_ms)


def decide_ms(trained: Sequence[Trained]) -> tuple[float, float]:
    """Median and 99th percentile of a decision of the blend that runs its graph, in ms, alone."""
    policy = BlendPolicy(next(model.graph() for model in trained if model.name == "tcn"))
    taken_ms = []
    for case in simulated_cases(TIMED, SEED):
        started = time.perf_counter_ns()
        action = policy.decide(case.context, 0.0, Random(0)).action
        taken_ms.append((time.perf_counter_ns() - started) / 1e6)
        policy.observe(case.context, action, case.outcomes[action], 0.0)
    return middle_and_tail(taken_ms)


def middle_and_tail(taken_ms: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile, past the first tenth, which warms up."""
    p50, p99 = np.quantile(taken_ms[len(taken_ms) // 10 :], [0.5, 0.99])
    return float(p50), float(p99)


def nine_models_mb(trained: Sequence[Trained]) -> float:
    """Resident memory of a process of its own that serves nine of the largest graph."""
    largest = max((m.content for m in trained if isinstance(m.content, bytes)), key=len)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(largest)
        file.flush()
        command = [sys.executable, "-c", NINE, file.name]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1024 / 1e6


def summarise(results: Sequence[Result], trained: Sequence[Trained], policy: str) -> dict[str, float]:
    """What the gates are held against; a set that does not tell a figure counts nothing in it."""
    inside = [one for one in results if one.regime == "datacenter"]
    outside = [one for one in results if one.regime == "internet"]
    both = [one.of(policy, target) for one in results for target in TARGETS]
    summary = {
        "datacenter_least_within_20": min(one.of(policy, "next").within_20[0] for one in inside),
        "datacenter_accurate_share": mean([float(accurate(one, policy)) for one in inside]),
        "datacenter_least_mae_saved": min(one.of(policy, "next").mae_saved[0] for one in inside),
        "internet_least_surer_half": min(one.of(policy, "next").surer[2] for one in outside),
        "least_coverage": min(one.coverage for one in both),
        "most_coverage": max(one.coverage for one in both),
        "least_worst_decile": min(one.worst_decile for one in both if one.worst_decile is not None),
        "model_mib": max(mib(model) for model in trained if model.name.startswith("tcn")),
    }
    for target in TARGETS:
        gains = [one.of(policy, target).within_20[0] - best_rule(one, target) for one in outside]
        summary[f"internet_least_gain_{target}"] = min(gains)
        summary[f"internet_mean_gain_{target}"] = mean(gains)
        summary[f"mean_mae_saved_{target}"] = mean([one.of(policy, target).mae_saved[0] for one in outside])
        summary[f"mean_within_20_{target}"] = mean([one.of(policy, target).within_20[0] for one in outside])
    return summary | summarise_others(results)


def summarise_others(results: Sequence[Result]) -> dict[str, float]:
    """The worst set's figures of RTT, jitter and loss."""
    summary = {}
    for name in ("rtt_within_20", "jitter_log_skill"):
        if found := [one.others[name] for one in results if name in one.others]:
            summary[name] = min(found)
    told = [one.others for one in results if "loss_auc" in one.others]
    if told:
        summary["loss_auc_gain"] = min(one["loss_auc"] - one["loss_auc_mean_of_5"] for one in told)
    return summary


def accurate(result: Result, policy: str) -> bool:
    found = result.of(policy, "next")
    return found.mape <= 0.05 or (found.correlation or 0.0) >= 0.98


def best_rule(result: Result, target: str) -> float:
    return max(result.of(name, target).within_20[0] for name in WALKS)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def show(result: Result) -> None:
    """One table a set."""
    title = f"{result.which} ({result.regime}): {result.rows} rows of {result.traces[2]} unseen traces"
    table = Table(title=title, title_justify="left")
    table.add_column("policy")
    for heading in (
        "next: within 20%",
        "surer half",
        "MAE saved",
        "covers",
        "5 steps: within",
        "MAE saved",
        "covers",
    ):
        table.add_column(heading, justify="right")
    for name in result.policies():
        first, then = (result.of(name, target) for target in TARGETS)
        table.add_row(
            name,
            f"{first.within_20[0]:.3f} [{first.within_20[1]:.2f}, {first.within_20[2]:.2f}]",
            f"{first.surer[2]:.3f}",
            f"{first.mae_saved[0]:+.3f}",
            f"{first.coverage:.3f}",
            f"{then.within_20[0]:.3f}",
            f"{then.mae_saved[0]:+.3f}",
            f"{then.coverage:.3f}",
        )
    Console(width=120).print(table)
    if result.others:
        print("  " + ", ".join(f"{name} {figure:.3f}" for name, figure in result.others.items()))


def show_summary(summary: dict[str, dict[str, float]]) -> None:
    table = Table(title="What the gates are held against", title_justify="left")
    table.add_column("figure")
    for name in summary:
        table.add_column(name, justify="right")
    for figure in summary[BLEND]:
        table.add_row(
            figure, *(f"{found[figure]:.3f}" if figure in found else "" for found in summary.values())
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
