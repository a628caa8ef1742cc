"""What the trees alone are asked: which features gave what, and faults of a kind they never saw."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomaly_consensus_data import Recorded, act_of, cut
from anomaly_consensus_runs import SEED
from dwcp.evaluation import average_precision
from dwcp.evaluation.detection import debounced, recall_at_fpr
from dwcp.task import TrainingOptions
from dwcp.tasks.consensus.model.boosting import RELATIVE, boost, margins
from dwcp.tasks.consensus.model.rows import Rows, rows_of
from dwcp.tasks.consensus.names import FEATURES, feature_group
from dwcp.tasks.consensus.quiet import TARGET_FPR, conformal_threshold
from dwcp.tasks.consensus.rules import DEBOUNCE, flagged
from dwcp.tasks.consensus.series import ConsensusCase

_MOST_EPOCHS = 15
"""Of four rounds each: these are comparisons, many of them."""

Parts = tuple[list[ConsensusCase], list[ConsensusCase], list[ConsensusCase]]


def ablation(parts: Sequence[Parts], epochs: int) -> dict[str, dict[str, float]]:
    """Trees on all features, the published alone, and all but one group, on the same rows by time."""
    options = TrainingOptions(seed=SEED, epochs=min(epochs, _MOST_EPOCHS))
    given = rows_of([case for part in parts for case in (*part[0], *part[1])], "training")
    held = rows_of([case for part in parts for case in part[2]], "judged")
    group_of = [feature_group(name.split(":")[1]) for name in FEATURES]
    wanted = {
        "all that are relative": list(RELATIVE),
        "with the newest values as such": list(range(len(FEATURES))),
        "published alone": [place for place in RELATIVE if group_of[place] == "published"],
    }
    for group in sorted(set(group_of)):
        wanted[f"all but {group}"] = [place for place in RELATIVE if group_of[place] != group]
    taught, judged = given.taught, held.judged
    table = held.seen.table.numpy()[judged]
    found = {}
    for name, columns in wanted.items():
        trees = boost(
            given.seen.table.numpy()[taught], given.injected[taught], options, columns, given.weight[taught]
        )
        score = margins(trees, table).mean(axis=1)
        found[name] = {
            "pr_auc": average_precision(held.faults[judged], score),
            "recall_at_5pct_fpr": recall_at_fpr(held.faults[judged], score, 0.05),
        }
    return found


def leave_one_act_out(found: Sequence[Recorded], epochs: int) -> dict[str, object]:
    """Trees that never saw an act, with the hard rules, on all faults of it; thresholds are of quiet rows."""
    options = TrainingOptions(seed=SEED, epochs=min(epochs, _MOST_EPOCHS))
    rows = rows_of([case for recorded in found for case in recorded.cases], "recorded")
    acts = np.array([act_of(event) if event else "" for event in rows.events], dtype=np.str_)
    table, held = rows.seen.table.numpy(), _held(found, rows)
    told: dict[str, dict[str, float]] = {}
    for act in sorted(set(acts[rows.faults])):
        given = rows.taught & (acts != act) & ~held
        trees = boost(table[given], rows.injected[given], options, weight=rows.weight[given])
        score = margins(trees, table).mean(axis=1)
        threshold = conformal_threshold(score[held & np.isin(rows.kinds, ("quiet", "benign"))], TARGET_FPR)
        mine, caught = 0, 0
        for group in np.unique(rows.groups):
            own = rows.groups == group
            alarm = debounced(flagged(score[own], rows.broken[own], threshold), DEBOUNCE)
            events = np.where(rows.faults[own] & (acts[own] == act), rows.events[own], "")
            names = set(events.tolist()) - {""}
            mine += len(names)
            caught += sum(bool(alarm[events == name].any()) for name in names)
        told[str(act)] = {"events": float(mine), "found": float(caught)}
    total = sum(one["events"] for one in told.values())
    return {"event_recall": sum(one["found"] for one in told.values()) / total, "acts": told}


def _held(found: Sequence[Recorded], rows: Rows) -> NDArray[np.bool_]:
    """Rows that thresholds are taken from: the validation part of each recording."""
    held = np.zeros(len(rows.kinds), dtype=np.bool_)
    for recorded in found:
        middle = [case.time_s for case in cut(recorded)[1]]
        held |= (rows.groups == recorded.name) & np.isin(rows.times_s, middle)
    return held
