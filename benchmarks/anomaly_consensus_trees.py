"""What the trees alone are asked: which features gave what, and faults of a kind they never saw."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomaly_consensus_data import Recorded, act_of, cut, events_of, kinds_of
from anomaly_consensus_runs import SEED
from dwcp.evaluation import average_precision
from dwcp.evaluation.detection import debounced, recall_at_fpr
from dwcp.task import TrainingOptions
from dwcp.tasks.consensus.inputs import arrays
from dwcp.tasks.consensus.model.boosting import boost, margins
from dwcp.tasks.consensus.model.rows import rows_of, seen_of
from dwcp.tasks.consensus.names import FEATURES, feature_group
from dwcp.tasks.consensus.quiet import TARGET_FPR, conformal_threshold
from dwcp.tasks.consensus.rules import DEBOUNCE, hard_ratio
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
    groups = sorted(set(group_of))
    wanted = {"all": list(range(len(FEATURES))), "published alone": _where(group_of, "published")}
    for group in groups:
        wanted[f"all but {group}"] = [place for place, own in enumerate(group_of) if own != group]
    found = {}
    for name, columns in wanted.items():
        score = margins(
            boost(given.seen.table.numpy(), given.faults, options, columns), held.seen.table.numpy()
        )
        found[name] = {
            "pr_auc": average_precision(held.faults, score.mean(axis=1)),
            "recall_at_5pct_fpr": recall_at_fpr(held.faults, score.mean(axis=1), 0.05),
        }
    return found


def leave_one_act_out(found: Sequence[Recorded], epochs: int) -> dict[str, object]:
    """Trees that never saw an act, with the hard rules, on all faults of it; thresholds are of quiet rows."""
    options = TrainingOptions(seed=SEED, epochs=min(epochs, _MOST_EPOCHS))
    cases = [case for recorded in found for case in recorded.cases]
    names = np.concatenate([np.full(len(recorded.cases), recorded.name) for recorded in found])
    kinds, events = kinds_of(cases), events_of(cases)
    acts = np.array([act_of(event) if event else "" for event in events], dtype=np.str_)
    table = seen_of(arrays([case.context for case in cases])).table.numpy()
    hard = np.array([hard_ratio(case.context) >= 1 for case in cases])
    held = _held(found)
    told: dict[str, dict[str, float]] = {}
    for act in sorted(set(acts[kinds == "fault"])):
        rows = np.isin(kinds, ("quiet", "benign", "fault")) & (acts != act) & ~held
        score = margins(boost(table[rows], kinds[rows] == "fault", options), table).mean(axis=1)
        quiet = np.isin(kinds, ("quiet", "benign")) & held
        flag = (score > conformal_threshold(score[quiet], TARGET_FPR)) | hard
        alarm = np.concatenate([debounced(flag[names == one.name], DEBOUNCE) for one in found])
        mine = sorted(
            {
                (n, e)
                for n, e, a, k in zip(names, events, acts, kinds, strict=True)
                if a == act and k == "fault"
            }
        )
        caught = sum(bool(alarm[(names == n) & (events == e) & (kinds == "fault")].any()) for n, e in mine)
        told[str(act)] = {"events": float(len(mine)), "found": float(caught)}
    total = sum(one["events"] for one in told.values())
    return {"event_recall": sum(one["found"] for one in told.values()) / total, "acts": told}


def _held(found: Sequence[Recorded]) -> NDArray[np.bool_]:
    """Rows that thresholds are taken from: the validation part of each recording."""
    marks = []
    for recorded in found:
        first, second, third = cut(recorded)
        marks.append(np.repeat([False, True, False], [len(first), len(second), len(third)]))
    return np.concatenate(marks)


def _where(groups: Sequence[str], wanted: str) -> list[int]:
    return [place for place, group in enumerate(groups) if group == wanted]
