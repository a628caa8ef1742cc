"""Node reliability: the detector, its parts and the rules, on a recorded cluster, simulated fleets, servers.

Run: ``python benchmarks/anomaly_nodes.py`` with the sets' folder in ``DWCP_ANOMALY`` or as ``--data``.

Recorded clusters (real processes, injected faults; ``etcd_3n`` in that folder, more by ``--recordings``) are
split by time, cut in quiet moments: a model is trained on the earlier part and the middle, calibrated on what
trees say of rows they did not see, judged on the rest. A row counts as faulty where the fault was injected at
that very node; rows of faults elsewhere count as benign, recoveries not at all. Besides, figures are given
without faults that no client noticed and without the first second of each, which a fault fills in part.

Another model is trained on simulated fleets and judged on fleets held out, and on the recorded rows it knows
nothing of. Servers with anonymous metrics judge what does not depend on the ten metrics. Nothing is
point-adjusted; intervals draw whole events, or whole servers.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from anomaly_nodes_runs import (
    BOOTSTRAP,
    bounds,
    by_kind,
    check,
    drift_fpr,
    fit,
    judge,
    latency_ms,
    noticed,
    simulated_parts,
    split_in_quiet,
)
from anomaly_nodes_servers import BEST, PCA, SCORERS, judge_server
from anomaly_nodes_sets import NODES, RecordedNodes, anomaly_folder, recorded_nodes, server, servers
from corpus import digests
from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import Gate, check_gates, difference_interval
from reporting import RESULTS, report

EPOCHS, SIMULATED_CASES = 60, 24_000
RECORDED, SIMULATED = "trained on the earlier part", "trained on simulated fleets"
SHOWN = (
    "pr_auc",
    "vus_pr",
    "recall_at_5pct_fpr",
    "quiet_fpr",
    "benign_fpr",
    "event_recall",
    "median_delay_s",
)

GATES = (
    Gate("recorded_recall_at_5pct_fpr", 0.98, "at_least", "faulty rows found, all 18 injected types"),
    Gate("recorded_pr_auc", 0.90, "at_least", "rows of the recorded cluster"),
    Gate("recorded_quiet_fpr", 0.01, "at_most", "quiet rows flagged at the threshold that ships"),
    Gate("simulated_recall_at_5pct_fpr", 0.98, "at_least", "faulty rows found on simulated fleets held out"),
    Gate("simulated_pr_auc", 0.90, "at_least", "rows of simulated fleets held out"),
    Gate("servers_gain_over_pca", 0.0, "at_least", "mean PR-AUC above that of PCA, the smoothed one"),
    Gate("servers_worst_fpr", 0.01, "at_most", "quiet rows flagged, the worst server"),
    Gate("drift_worst_fpr", 0.01, "at_most", "quiet rows flagged while levels drift, the worst fleet"),
    Gate("decide_p99_ms", 5.0, "at_most", "the slowest hundredth of decisions"),
    Gate("model_megabytes", 10.0, "at_most", "the larger of the two graphs"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    try:
        folder = anomaly_folder(options.data)
        clusters = [recorded_nodes(one) for one in (folder / NODES, *options.recordings)]
        machines = servers(folder)
        found = run(clusters, machines, options.epochs, options.simulated)
        data = digests([*(file for cluster in clusters for file in cluster.files), *machines])
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 1
    show(found)
    gates = check_gates(GATES, found["summary"])
    return report("anomaly-nodes", found, data, gates, time.perf_counter() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: DWCP_ANOMALY, else data/anomaly")
    parser.add_argument(
        "--recordings", type=Path, nargs="*", default=[], metavar="DIR", help="more recorded clusters"
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of training ({EPOCHS})")
    parser.add_argument(
        "--simulated", type=int, default=SIMULATED_CASES, help=f"simulated rows ({SIMULATED_CASES})"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where the file goes")
    return parser.parse_args(arguments)


def run(
    clusters: Sequence[RecordedNodes], machines: Sequence[Path], epochs: int, simulated: int
) -> dict[str, Any]:
    """All figures; a line for each step that is done."""
    cut = [split_in_quiet(cluster.fleet) for cluster in clusters]
    first, second, third = ([case for one in cut for case in one[place]] for place in range(3))
    parts = first, second, third
    unnoticed = frozenset(f"{one.fleet.name}/{event}" for one in clusters for event in one.unnoticed)
    recorded = fit(parts, epochs)
    told("trained on the recorded cluster")
    fleets = simulated_parts(simulated)
    general = fit(fleets, epochs)
    told("trained on simulated fleets")
    models = {RECORDED: recorded.to_onnx(), SIMULATED: general.to_onnx()}
    found: dict[str, Any] = {
        "parity": {
            RECORDED: check(recorded, models[RECORDED], parts[2]),
            SIMULATED: check(general, models[SIMULATED], fleets[2]),
        },
        "fitted": {RECORDED: dict(recorded.summary()), SIMULATED: dict(general.summary())},
        "clusters": [one.fleet.name for one in clusters],
        "unnoticed": sorted(unnoticed),
        "recorded_by_fault": by_kind(parts[2], models[RECORDED]),
    }
    found["recorded"], found["recorded_noticed"] = judge(parts[2], models, noticed(parts[2], unnoticed))
    told("judged on the recorded clusters")
    found["simulated"], _ = judge(fleets[2], {SIMULATED: models[SIMULATED]})
    found["drift_quiet_fpr"] = drift_fpr(models[SIMULATED])
    told("judged on simulated fleets")
    found["servers"] = [judge_server(server(path)) for path in machines]
    found["latency"] = latency_ms(parts[2], models[RECORDED])
    found["summary"] = summarise(found, models)
    return found


def summarise(found: dict[str, Any], models: dict[str, bytes]) -> dict[str, Any]:
    """What the gates are held against."""
    areas = {name: column(found, name, "pr_auc") for name in SCORERS}
    names = [one["name"] for one in found["servers"]]
    best_pca = max(PCA, key=lambda name: float(np.mean(areas[name])))
    gained = difference_interval(areas[BEST], areas[best_pca], names, BOOTSTRAP)
    return {
        "recorded_recall_at_5pct_fpr": found["recorded"][RECORDED]["recall_at_5pct_fpr"],
        "recorded_pr_auc": found["recorded"][RECORDED]["pr_auc"],
        "recorded_quiet_fpr": found["recorded"][RECORDED]["quiet_fpr"],
        "recorded_noticed_recall_at_5pct_fpr": found["recorded_noticed"][RECORDED]["recall_at_5pct_fpr"],
        "recorded_noticed_pr_auc": found["recorded_noticed"][RECORDED]["pr_auc"],
        "simulated_recall_at_5pct_fpr": found["simulated"][SIMULATED]["recall_at_5pct_fpr"],
        "simulated_pr_auc": found["simulated"][SIMULATED]["pr_auc"],
        "servers_pr_auc": {name: float(np.mean(values)) for name, values in areas.items()},
        "servers_gain_over_pca": gained.estimate,
        "servers_gain_over_pca_interval": bounds(gained),
        "servers_worst_fpr": float(max(column(found, BEST, "fpr_followed"))),
        "servers_mean_fpr": float(np.mean(column(found, BEST, "fpr_followed"))),
        "servers_mean_fpr_fixed": float(np.mean(column(found, BEST, "fpr_fixed"))),
        "drift_worst_fpr": max(found["drift_quiet_fpr"].values()),
        "decide_p99_ms": found["latency"]["p99_ms"],
        "model_megabytes": max(map(len, models.values())) / 1e6,
    }


def column(found: dict[str, Any], scorer: str, figure: str) -> list[float]:
    return [one["scorers"][scorer][figure] for one in found["servers"]]


def told(words: str) -> None:
    print(words, flush=True)


def show(found: dict[str, Any]) -> None:
    for title in ("recorded", "recorded_noticed", "simulated"):
        table = Table(title=f"{title}: rows not trained on", title_justify="left")
        for heading in ("policy", *SHOWN):
            table.add_column(heading, justify="left" if heading == "policy" else "right")
        for name, figures in found[title].items():
            table.add_row(name, *(f"{figures[key]:.3f}" if key in figures else "-" for key in SHOWN))
        Console(width=150).print(table)
    table = Table(title="servers: means", title_justify="left")
    keys = ("pr_auc", "vus_pr", "fpr_fixed", "fpr_followed", "recall_followed", "event_recall")
    for heading in ("scorer", *keys):
        table.add_column(heading, justify="left" if heading == "scorer" else "right")
    for name in SCORERS:
        table.add_row(name, *(f"{np.mean(column(found, name, key)):.3f}" for key in keys))
    Console(width=150).print(table)


if __name__ == "__main__":
    sys.exit(main())
