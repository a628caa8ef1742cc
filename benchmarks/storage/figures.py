"""Figures, gates and tables of what the runs gave."""

from collections.abc import Mapping

from benchmarks.storage.contenders import ARCHIVE, EXACT, GIT, OURS, RIVALS
from benchmarks.storage.runs import Run
from benchmarks.storage.sets import VersionSet
from rich.console import Console
from rich.table import Table

from dwcp.evaluation import Gate

__all__ = ["GATES", "Found", "as_json", "gated", "show"]

Found = Mapping[str, tuple[VersionSet, Mapping[str, Run]]]
"""By name of the set: the set, and by name of the contender what it made of it."""

WIDTH = 110
GATES = (
    Gate(
        "least_saving_over_exact", 0.20, "at_least", "least share saved of exact dedup + zstd-3, of any set"
    ),
    *(
        Gate(f"largest_share_of_{rival.program}", 0.999, "at_most", f"largest share of {rival.name}'s bytes")
        for rival in RIVALS
    ),
    Gate(
        "largest_useless_share", 0.05, "at_most", "deltas of 0.9 of zstd-3 or more, of all made, in any set"
    ),
    Gate("exact_share", 1.0, "at_least", "share of runs, everybody's, that gave every byte back"),
)


def gated(found: Found) -> dict[str, float]:
    """The figures that the gates are held against; what was not measured is left out."""
    runs = [row for _, row in found.values()]
    every = [run for row in runs for run in row.values()]
    figures = {"exact_share": sum(run.problem is None for run in every) / max(1, len(every))}
    both = [row for row in runs if OURS.name in row]
    shares = {
        name: [row[OURS.name].stored_bytes / row[name].stored_bytes for row in both if name in row]
        for name in (EXACT.name, *(rival.name for rival in RIVALS))
    }
    if shares[EXACT.name]:
        figures["least_saving_over_exact"] = 1 - max(shares[EXACT.name])
    figures |= {
        f"largest_share_of_{rival.program}": max(shares[rival.name]) for rival in RIVALS if shares[rival.name]
    }
    if both:
        figures["largest_useless_share"] = max(_useless_share(row[OURS.name]) for row in both)
    return figures


def as_json(found: Found) -> dict[str, object]:
    """Everything, by kind of set and by set."""
    return {
        name: {
            "kind": "archive" if versions.is_archive else "tree",
            "versions": len(versions.versions),
            "plain_bytes": versions.plain_bytes,
            "contenders": {contender: _run(run, versions.plain_bytes, row) for contender, run in row.items()},
        }
        for name, (versions, row) in found.items()
    }


def show(versions: VersionSet, row: Mapping[str, Run]) -> None:
    """One table a set."""
    kind = "archives" if versions.is_archive else "trees"
    title = f"{versions.name}: {len(versions.versions)} {kind}, {versions.plain_bytes / 1e6:.1f} MB"
    table = Table(title=title, title_justify="left")
    table.add_column("store")
    for heading in ("MB", "of exact", "put s", "get s", "CPU s", "put MiB", "get MiB", "useless", "same"):
        table.add_column(heading, justify="right")
    for name, run in row.items():
        figures = _run(run, versions.plain_bytes, row)
        share = figures["share_of_exact"]
        table.add_row(
            name,
            f"{run.stored_bytes / 1e6:.2f}",
            "" if share is None else f"{share:.3f}",
            f"{sum(run.put_s) + run.end_s:.1f}",
            f"{sum(run.get_s):.1f}",
            f"{run.cpu_s:.1f}",
            f"{run.put_mib:.0f}",
            f"{run.get_mib:.0f}",
            f"{_useless_share(run):.1%}" if run.tried else "",
            "yes" if run.problem is None else "NO",
        )
    Console(width=WIDTH).print(table)


def _run(run: Run, plain_bytes: int, row: Mapping[str, Run]) -> dict[str, object]:
    figures: dict[str, object] = {
        "stored_bytes": run.stored_bytes,
        "cache_bytes": run.cache_bytes,
        "put_s": [round(seconds, 2) for seconds in run.put_s],
        "end_s": round(run.end_s, 2),
        "get_s": [round(seconds, 2) for seconds in run.get_s],
        "put_mb_per_s": round(plain_bytes / 1e6 / (sum(run.put_s) + run.end_s), 1),
        "get_mb_per_s": round(plain_bytes / 1e6 / sum(run.get_s), 1),
        "cpu_s": round(run.cpu_s, 2),
        "put_peak_mib": round(run.put_mib, 1),
        "get_peak_mib": round(run.get_mib, 1),
        "problem": run.problem,
        "share_of_exact": _share(run, row.get(EXACT.name)),
        "share_of_git": _share(run, row.get(GIT.name)),
        "share_of_archive": _share(run, row.get(ARCHIVE.name)),
    }
    if run.tried:
        figures |= {"deltas_tried": run.tried, "useless_share": round(_useless_share(run), 4)}
    return figures


def _share(run: Run, other: Run | None) -> float | None:
    return None if other is None else round(run.stored_bytes / other.stored_bytes, 4)


def _useless_share(run: Run) -> float:
    return run.useless / max(1, run.tried)
