"""Consensus groups: the detector, its parts, the rules and chance on recorded clusters with injected faults.

Run: ``python benchmarks/anomaly_consensus.py`` with a folder of recordings in ``DWCP_ANOMALY``, or with
folders as ``--data``. A recording is a folder with ``cluster.csv``, ``nodes.csv`` and ``faults.csv``,
compressed or not.

Three splits: by time (the earlier part trains and weighs, cut in quiet moments, the later part is judged), by
cluster (trained on those of one size, judged on those of another after 90 s for calibration), and by what was
done (every fault of an act is left out of training in turn). Faults that no client noticed, and recoveries,
are neither right nor wrong. Nothing is point-adjusted; intervals draw whole events.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from anomaly_consensus_data import Recorded, cut, recordings
from anomaly_consensus_runs import (
    CALIBRATION_S,
    DETECTOR,
    Said,
    by_type,
    drift,
    everyone,
    figures,
    fit,
    latency_ms,
    trade_off,
)
from anomaly_consensus_trees import ablation, leave_one_act_out
from corpus import digests
from dwcp.errors import DwcpError
from dwcp.evaluation import Gate, check_gates
from reporting import RESULTS, report

EPOCHS = 40
SHIFTS = (1.5, 2.0)
SHOWN = (
    "pr_auc",
    "vus_pr",
    "recall_at_5pct_fpr",
    "recall_past_first_s",
    "accuracy",
    "balanced_accuracy",
    "recall",
    "fpr",
    "benign_fpr",
)
SHOWN_EVENTS = ("event_recall", "median_delay_s", "false_episodes_per_hour")

GATES = (
    Gate("time_accuracy", 0.98, "at_least", "seconds flagged as labelled, later part"),
    Gate("time_recall_at_5pct_fpr", 0.98, "at_least", "seconds of visible faults found, later part"),
    Gate("time_event_recall", 1.0, "at_least", "visible faults that raised an alarm"),
    Gate("time_false_episodes_per_hour", 1.0, "at_most", "alarms outside faults and recoveries"),
    Gate("time_median_delay_s", 3.0, "at_most", "from the beginning of a fault to the alarm"),
    Gate("cluster_accuracy", 0.96, "at_least", "clusters of another size after 90 s of calibration"),
    Gate("cluster_recall_at_5pct_fpr", 0.96, "at_least", "clusters of another size"),
    Gate("left_out_event_recall", 0.90, "at_least", "visible faults of an act never trained on"),
    Gate("drift_alarm_share", 0.01, "at_most", "time in alarm after the quiet level has shifted"),
    Gate("decide_p99_ms", 5.0, "at_most", "one decision, one thread"),
    Gate("model_mb", 10.0, "at_most", "size of the graph"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    try:
        found = recordings(options.data)
        told = run(found, options.epochs, options.seeds)
        data = digests(path for recorded in found for path in recorded.files)
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    return report(
        "anomaly-consensus",
        told,
        data,
        check_gates(GATES, gated(told)),
        time.perf_counter() - started,
        options.results,
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], metavar="DIR", help="recordings; default: DWCP_ANOMALY"
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of every training ({EPOCHS})")
    parser.add_argument("--seeds", type=int, default=1, help="autoencoders in the ensemble (1)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where the file goes")
    return parser.parse_args(arguments)


def run(found: Sequence[Recorded], epochs: int, seeds: int) -> dict[str, object]:
    """All splits; shows each table as it comes."""
    parts = [cut(recorded) for recorded in found]
    say(f"by time: training on the earlier part of {len(found)} recordings")
    trained = fit([c for p in parts for c in p[0]], [c for p in parts for c in p[1]], epochs, seeds)
    by_time = [everyone(trained, part[2]) for part in parts]
    told: dict[str, object] = {
        "recordings": [_described(recorded) for recorded in found],
        "by_time": judged(by_time, "by time"),
        "trade_off": trade_off([said[DETECTOR] for said in by_time]),
        "by_time_types": by_type([said[DETECTOR] for said in by_time]),
        "fitted": dict(trained.summary),
        "parity": trained.parity,
        "fit_s": trained.fit_s,
        "model_mb": len(trained.content) / 1e6,
        "latency_ms": latency_ms(trained, parts[0][2]),
        "drift": [drift(trained, recorded, factor) for recorded in found for factor in SHIFTS],
    }
    say("features: which groups gave what")
    told["ablation"] = ablation(parts, epochs)
    say("by act: every fault of an act left out in turn")
    told["left_out"] = leave_one_act_out(found, epochs)
    told["by_cluster"] = by_cluster(found, parts, epochs)
    return told


def by_cluster(
    found: Sequence[Recorded], parts: Sequence[tuple[Any, Any, Any]], epochs: int
) -> dict[str, dict[str, object]]:
    """Trained on the clusters of one size, judged on those of the others."""
    told: dict[str, dict[str, object]] = {}
    for size in sorted({recorded.members for recorded in found}):
        own = [place for place, recorded in enumerate(found) if recorded.members == size]
        others = [recorded for recorded in found if recorded.members != size]
        if not others:
            continue
        say(f"by cluster: training on {size} members")
        train = [case for place in own for case in (*parts[place][0], *parts[place][2])]
        trained = fit(train, [case for place in own for case in parts[place][1]], epochs)
        said = [everyone(trained, other.cases, CALIBRATION_S) for other in others]
        told[f"trained on {size} members"] = judged(said, f"trained on {size} members, judged on others")
    return told


def judged(said: Sequence[Mapping[str, Said]], title: str) -> dict[str, object]:
    """Everybody's figures over the same rows, as a table and as JSON values."""
    told = {name: figures([one[name] for one in said]) for name in said[0]}
    table = Table("policy", *SHOWN, *SHOWN_EVENTS, title=title)
    for name, found in told.items():
        table.add_row(name, *(_cell(found.get(key)) for key in (*SHOWN, *SHOWN_EVENTS)))
    Console(width=200).print(table)
    return dict(told)


def gated(told: Mapping[str, Any]) -> dict[str, float]:
    """What the gates are held against; what could not be measured is not there."""
    detector = told["by_time"][DETECTOR]
    keys = ("accuracy", "recall_at_5pct_fpr", "event_recall", "false_episodes_per_hour", "median_delay_s")
    found = {f"time_{key}": detector[key] for key in keys if detector[key] is not None}
    for key in ("accuracy", "recall_at_5pct_fpr"):
        if across := [everybody[DETECTOR][key] for everybody in told["by_cluster"].values()]:
            found[f"cluster_{key}"] = min(across)
    return {
        **found,
        "left_out_event_recall": told["left_out"]["event_recall"],
        "drift_alarm_share": max(one["alarm_share"] for one in told["drift"]),
        "decide_p99_ms": told["latency_ms"]["p99"],
        "model_mb": told["model_mb"],
    }


def say(words: str) -> None:
    """Tell how far it is."""
    print(words, file=sys.stderr, flush=True)


def _described(recorded: Recorded) -> dict[str, object]:
    kinds = [event.kind for event in recorded.events]
    return {
        "name": recorded.name,
        "members": recorded.members,
        "seconds": len(recorded.cases),
        "faults": kinds.count("fault"),
        "visible_faults": len(_visible(recorded)),
        "benign_events": kinds.count("benign"),
    }


def _visible(recorded: Recorded) -> set[str]:
    rows = zip(recorded.series.kinds, recorded.series.events, strict=True)
    return {event for kind, event in rows if kind == "fault"}


def _cell(figure: object) -> str:
    return "–" if figure is None else f"{cast('float', figure):.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
