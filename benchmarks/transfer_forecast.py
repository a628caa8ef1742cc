"""What forecasts are worth to transfers: the same data over links that replay recorded ones, sent in turns.

Run: ``python -m benchmarks.transfer_forecast --data DIR`` as root; traces also by ``DWCP_BANDWIDTH``, what is
sent by ``DWCP_CORPUS`` (made-up files without).

Two network namespaces are joined by veth; the rate of the token bucket at each end changes each second as a
trace of a published set did, one that no forecast was fitted or chosen on. Sender and receiver are processes
of their own; nothing is remembered from one transfer to the next.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.bandwidth_sets import SEED, bandwidth_folder
from benchmarks.reporting import RESULTS, report
from benchmarks.transfer.__main__ import memory_folder
from benchmarks.transfer_forecast_data import Mixture
from benchmarks.transfer_forecast_links import replays
from benchmarks.transfer_forecast_runs import AGAINST, Plan, run_all, summary
from benchmarks.transfer_forecast_sender import FORECAST, PRESENT, VARIANTS
from rich.console import Console
from rich.table import Table

from dwcp.errors import DwcpError, InputError
from dwcp.evaluation import Gate, check_gates
from dwcp.simulate import shaped_link

GATES = (
    Gate("over_fixed", 1.0, "at_most", "upper end of the interval of its time over a fixed setting's"),
    Gate("over_last_value", 1.03, "at_most", "mean of its time over last value's: no worse beyond noise"),
    Gate("over_no_forecast", 1.03, "at_most", "mean of its time over no forecast's: no worse beyond noise"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, write; see `report` for the exit code."""
    options = _parsed(arguments)
    started, load = time.monotonic(), [round(os.getloadavg()[0], 2)]
    try:
        if reason := shaped_link.available():
            raise InputError(f"links are made by this machine's kernel, which cannot be done here: {reason}")
        found = replays(bandwidth_folder(options.data), options.traces)
        plan = Plan(found, tuple(VARIANTS), options.rounds, options.seconds)
        mixture = Mixture(options.corpus)
        with memory_folder() as work:
            runs = run_all(plan, mixture, work, lambda line: print(line, file=sys.stderr, flush=True))
    except DwcpError as error:
        print(f"transfer-forecast: {error}", file=sys.stderr)
        return 2
    load.append(round(os.getloadavg()[0], 2))
    told = summary(runs, plan.variants)
    _show(told)
    figures = {
        "variants": {name: {"about": VARIANTS[name].about, **figures} for name, figures in told.items()},
        "runs": [asdict(run) for run in runs],
        "load_before_and_after": load,
    }
    data = {
        "replays": [replay.as_json() for replay in found],
        "sent": {"about": mixture.about, "ratio_zstd_3": round(mixture.ratio, 4)},
        "seed": SEED,
    }
    gates = check_gates(GATES, _gate_figures(told))
    return report("transfer-forecast", figures, data, gates, time.monotonic() - started, options.results)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfer_forecast", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: DWCP_BANDWIDTH, or data/bandwidth")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: DWCP_CORPUS, or made-up files")
    parser.add_argument("--traces", type=int, default=2, metavar="N", help="of each set (2)")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="of each trace (1)")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="of a transfer, about (8)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="of the JSON file")
    return parser.parse_args(arguments)


def _gate_figures(told: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    fixed, last = (told[FORECAST][f"over {other}"] for other in AGAINST)
    none = told[FORECAST][f"over {PRESENT}"]
    return {
        "over_fixed": fixed["high"],
        "over_last_value": last["mean"],
        "over_no_forecast": none["mean"],
    }


def _show(told: Mapping[str, Mapping[str, Any]]) -> None:
    others = (*AGAINST, PRESENT)
    table = Table(title="Transfers over replayed links; times over others': mean [95% interval] least-most")
    for name in ("variant", "seconds", *(f"over {other}" for other in others), "MB sent", "changes", "CPU s"):
        table.add_column(name, justify="left" if name == "variant" else "right")
    for variant, figures in told.items():
        seconds, changes = figures["seconds"], figures["stream_changes"]
        table.add_row(
            variant,
            f"{seconds['median']:.1f} ({seconds['least']:.1f}-{seconds['most']:.1f})",
            *(_told_ratio(figures.get(f"over {other}")) for other in others),
            f"{figures['sent_mb']:.1f}",
            f"{changes['median']:g} ({changes['least']:g}-{changes['most']:g})",
            f"{figures['sender_cpu_s']:.1f}",
        )
    Console(width=160).print(table)


def _told_ratio(figures: Mapping[str, float] | None) -> str:
    if figures is None:
        return "–"
    spread = f"{figures['least']:.2f}-{figures['most']:.2f}"
    return f"{figures['mean']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}] {spread}"


if __name__ == "__main__":
    sys.exit(main())
