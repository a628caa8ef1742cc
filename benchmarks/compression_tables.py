"""Figures and tables of the compression benchmark, from what every policy chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from dwcp.codecs.probe import probe_block
from dwcp.evaluation import (
    Agreement,
    Gate,
    GateResult,
    Replay,
    agreement,
    check_gates,
    f1_by_margin,
    judge,
    regrets,
    strict_accuracy,
    within,
)
from dwcp.tasks.compression.contract import Action, action_named
from dwcp.tasks.compression.grid import CompressionCase, Point, Run, as_runs, at_point
from dwcp.tasks.compression.oracle import cost_s
from dwcp.tasks.compression.task import NOISE

HINT_S = 300e-6
"""What asking is charged with beside the probe: the advisor's p99 is measured by bench-hint."""
_GATES = (
    Gate("within_5pct", 0.98, "at_least", "decisions within 5% of the oracle's cost"),
    Gate("mean_regret", 0.01, "at_most", "mean cost above the oracle's, the worse of both cost models"),
    Gate("within_5pct_runs", 0.98, "at_least", "the same, one decision a run of blocks"),
    Gate("mean_regret_runs", 0.01, "at_most", "the same, one decision a run of blocks"),
    Gate("macro_f1_beyond_noise", 0.95, "at_least", "F1 where the margin exceeds noise"),
    Gate(
        "least_gain_over_zstd_3",
        0.10,
        "at_least",
        "least share of zstd-3's time saved, asking charged",
    ),
    Gate("least_gain_over_fallback", 0.0, "at_least", "the same of the fallback's time"),
)
_LEARNED = ("selector", "trees", "network", "published", "stem", "selector, not curious", "classifier")


@dataclass(frozen=True)
class Row:
    """One policy at one point of the grid."""

    policy: str
    point: str
    decisions: int
    strict: float
    within_1pct: float
    within_2pct: float
    within_5pct: float
    mean_regret: float
    p99_regret: float
    macro_f1_beyond_noise: float
    seconds: float
    asking_share: float
    gain_over_best_fixed: float
    gain_over_zstd_3: float
    gain_over_fallback: float
    limit_over_zstd_3: float
    """What the oracle saves, with nothing charged for asking."""


@dataclass(frozen=True)
class Summary:
    """Everything that is printed and written."""

    blocks: list[Row]
    runs: list[Row]
    overall: dict[str, dict[str, float]]
    noise: dict[str, Agreement]
    families: dict[str, dict[str, float]]
    gates: tuple[GateResult, ...]

    def as_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "blocks": [vars(row) for row in self.blocks],
            "runs": [vars(row) for row in self.runs],
            "overall": self.overall,
            "oracle_agreement": {
                point: {"strict": a.strict, "within_5pct": a.within[0.05], "mean_regret": a.mean_regret}
                for point, a in self.noise.items()
            },
            "families": self.families,
        }


def ask_seconds(sample: Path) -> dict[int, float]:
    """Seconds of thread time that a look at one block takes, at each depth, measured here."""
    block = sample.read_bytes()[: 256 * 1024]
    depths = range(4)
    looked = {depth: [probe_block(block, depth).probe_ms for _ in range(9)] for depth in depths}  # type: ignore[arg-type]
    return {depth: median(times) / 1e3 for depth, times in looked.items()}


def summarise(
    done: Sequence,
    corpus: Sequence[CompressionCase],
    again: Sequence[CompressionCase],
    points: Sequence[Point],
    asking_s: Mapping[int, float],
    seed: int,
) -> Summary:
    """Judge all choices against the first measuring run."""
    del seed
    judged = {point: at_point(corpus, point) for point in points}
    second = {point: at_point(again, point) for point in points}
    # Families are judged apart, so a run never spans two of them.
    by_family = {c.family: [case for case in corpus if case.group == c.family] for c in done}
    in_runs = {
        point: [run for cases in by_family.values() for run in as_runs(at_point(cases, point), point)]
        for point in points
    }
    singly = {point: [Run(case, 1, None) for case in cases] for point, cases in judged.items()}
    blocks = _rows([c.blocks for c in done], singly, asking_s)
    runs = _rows([c.runs for c in done], in_runs, asking_s)
    run_cases = {point: [run.case for run in runs] for point, runs in in_runs.items()}
    replays = _replays([c.blocks for c in done], judged)
    overall = {name: _overall(parts) for name, parts in replays.items()}
    replays_of_runs = _replays([c.runs for c in done], run_cases)
    overall |= {f"{name}, runs": _overall(parts) for name, parts in replays_of_runs.items()}
    families = _by_family(done, replays)
    noise = {str(point): agreement(judged[point], second[point], cost_s) for point in points}
    return Summary(blocks, runs, overall, noise, families, _gates(overall, runs))


def _replays(chosen: Sequence[Mapping[str, list[list[str]]]], judged: Mapping) -> dict[str, list[Replay]]:
    return {
        name: [
            judge(cases, [action_named(a) for part in chosen for a in part[name][place]], cost_s, name)
            for place, cases in enumerate(judged.values())
        ]
        for name in chosen[0]
    }


def _rows(
    chosen: Sequence[Mapping[str, list[list[str]]]],
    served: Mapping[Point, list[Run]],
    look_s: Mapping[int, float],
) -> list[Row]:
    replays = _replays(chosen, {point: [run.case for run in runs] for point, runs in served.items()})
    rows = []
    for place, (point, runs) in enumerate(served.items()):
        lengths = np.array([run.blocks for run in runs])
        asking = {name: look_s if name in _LEARNED else None for name in replays}
        spent = {name: _spent_s(runs, parts[place].chosen, asking[name]) for name, parts in replays.items()}
        for name, parts in replays.items():
            done = parts[place]
            regret = regrets(done)
            rows.append(
                Row(
                    policy=name,
                    point=str(point),
                    decisions=len(regret),
                    strict=strict_accuracy(done),
                    within_1pct=within(done, 0.01),
                    within_2pct=within(done, 0.02),
                    within_5pct=within(done, 0.05),
                    mean_regret=float(regret.mean()),
                    p99_regret=float(np.quantile(regret, 0.99, method="higher")),
                    macro_f1_beyond_noise=f1_by_margin(done, (NOISE,))[0].macro_f1,
                    seconds=spent[name],
                    asking_share=1 - float(done.cost @ lengths) / spent[name],
                    gain_over_best_fixed=1 - spent[name] / spent["best fixed"],
                    gain_over_zstd_3=1 - spent[name] / spent["zstd-3"],
                    gain_over_fallback=1 - spent[name] / spent["fallback"],
                    limit_over_zstd_3=1 - float(done.oracle_cost @ lengths) / spent["zstd-3"],
                )
            )
    return rows


def _spent_s(runs: Sequence[Run], chosen: Sequence[Action], look_s: Mapping[int, float] | None) -> float:
    """Seconds for all blocks of all runs; looking and asking count as time of the compressing core."""
    total = 0.0
    for run, action in zip(runs, chosen, strict=True):
        outcome = run.case.outcomes[action]
        if look_s is not None and run.look is not None:
            asking_s = HINT_S + look_s[int(run.look.depth)] * min(run.look.blocks, run.blocks)
            outcome = replace(outcome, compress_ms=outcome.compress_ms + asking_s * 1e3 / run.blocks)
        total += cost_s(run.case.context, outcome) * run.blocks
    return total


def _overall(parts: Sequence[Replay]) -> dict[str, float]:
    half = len(parts) // 2
    regret = [regrets(part) for part in parts]
    columns = ("cost", "oracle_cost", "runner_up_cost", "confidence")
    pooled = Replay(
        parts[0].policy,
        *(np.concatenate([getattr(part, name) for part in parts]) for name in columns),
        tuple(action for part in parts for action in part.chosen),
        tuple(action for part in parts for action in part.best),
        tuple(group for part in parts for group in part.groups),
    )
    return {
        "decisions": float(pooled.cost.size),
        "strict": strict_accuracy(pooled),
        "within_5pct": within(pooled, 0.05),
        "mean_regret": float(np.concatenate(regret).mean()),
        "worse_model_regret": max(float(np.concatenate(r).mean()) for r in (regret[:half], regret[half:])),
        "p99_regret": float(np.quantile(np.concatenate(regret), 0.99, method="higher")),
        "macro_f1_beyond_noise": f1_by_margin(pooled, (NOISE,))[0].macro_f1,
    }


def _by_family(done: Sequence, replays: Mapping[str, list[Replay]]) -> dict[str, dict[str, float]]:
    shown: dict[str, dict[str, float]] = {}
    for family in (chosen.family for chosen in done):
        figures = shown.setdefault(family, {})
        for name in ("selector", "fallback"):
            of_family = [regrets(part)[np.array(part.groups) == family] for part in replays[name]]
            regret = np.concatenate(of_family)
            figures[f"{name}_within_5pct"] = float((regret <= 0.05).mean())
            figures[f"{name}_mean_regret"] = float(regret.mean())
    return shown


def _gates(overall: Mapping[str, Mapping[str, float]], rows: Sequence[Row]) -> tuple[GateResult, ...]:
    own = [row for row in rows if row.policy == "selector"]
    selector, runs = overall["selector"], overall["selector, runs"]
    return check_gates(
        _GATES,
        {
            "within_5pct": selector["within_5pct"],
            "mean_regret": selector["worse_model_regret"],
            "within_5pct_runs": runs["within_5pct"],
            "mean_regret_runs": runs["worse_model_regret"],
            "macro_f1_beyond_noise": selector["macro_f1_beyond_noise"],
            "least_gain_over_zstd_3": min(row.gain_over_zstd_3 for row in own),
            "least_gain_over_fallback": min(row.gain_over_fallback for row in own),
        },
    )


def print_tables(summary: Summary) -> None:
    """Per point the selector with its gains, then all policies over the whole grid, then families."""
    for title, rows in (("block by block", summary.blocks), ("run by run", summary.runs)):
        _print_points(title, [row for row in rows if row.policy == "selector"], summary.noise)
    print(f"\nall policies over the whole grid (%)\n{'':30s} strict   <=5%    mean     p99    F1")
    for name, figures in summary.overall.items():
        shown = [_pct(figures[key]) for key in ("strict", "within_5pct")]
        shown += [_pct(figures["mean_regret"], 7, 2), _pct(figures["p99_regret"], 7)]
        print(f"{name:30s} {' '.join(shown)} {figures['macro_f1_beyond_noise']:5.2f}")
    print(f"\nby family left out (%)\n{'':30s} selector <=5%    mean   fallback <=5%    mean")
    for family, figures in summary.families.items():
        shown = [
            f"{_pct(figures[f'{name}_within_5pct'], 13)} {_pct(figures[f'{name}_mean_regret'], 7, 2)}"
            for name in ("selector", "fallback")
        ]
        print(f"{family:30s} {'   '.join(shown)}")
    print()


def _print_points(title: str, rows: Sequence[Row], noise: Mapping[str, Agreement]) -> None:
    """A line a point.

    ``limit`` is what the oracle saves over zstd-3, ``agree`` how often two measuring runs name the same best.
    """
    heads = ("fixed", "zstd-3", "fallb.", " limit", "asking", " agree")
    print(f"\nselector, {title} (%): near the oracle, regret, F1 beyond noise, time saved over")
    print(f"{'':26s}     n strict  <=1%  <=2%  <=5%   mean    p99    F1 {' '.join(heads)}")
    for row in rows:
        shown = [
            _pct(row.strict),
            *(_pct(share, 5) for share in (row.within_1pct, row.within_2pct, row.within_5pct)),
            _pct(row.mean_regret, 6, 2),
            _pct(row.p99_regret),
            f"{row.macro_f1_beyond_noise:5.2f}",
            *(_pct(g) for g in (row.gain_over_best_fixed, row.gain_over_zstd_3, row.gain_over_fallback)),
            _pct(row.limit_over_zstd_3),
            _pct(row.asking_share, 6, 2),
            _pct(noise[row.point].strict, 6),
        ]
        print(f"{row.point:26s} {row.decisions:5d} {' '.join(shown)}")


def _pct(share: float, width: int = 6, digits: int = 1) -> str:
    return f"{100 * share:{width}.{digits}f}"
