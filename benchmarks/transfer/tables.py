"""The figures of a step: a table to read, and JSON values to keep."""

from collections.abc import Sequence
from dataclasses import asdict, astuple

from benchmarks.transfer.gates import Result
from benchmarks.transfer.ours import is_ours
from benchmarks.transfer.rounds import Row
from rich.console import Console
from rich.table import Table

_COLUMNS = (
    "seconds",
    "least to most",
    "before + full + unused + after",
    "x limit",
    "sent MB",
    "back MB",
    "CPU s",
    "resident MB",
)
_WIDTH = 180


def show(result: Result) -> None:
    """Print one step, the quickest first."""
    job, limit, check = result.job, result.limit, result.check
    print(f"\n{result.step} ({job.about}: {job.files:,} files, {job.plain_bytes / 1e6:.1f} MB)")
    trust = "as it should be" if check.trusted else "NOT as it should be"
    print(
        f"  link {trust}: {check.goodput_mbps:,.1f} Mbit/s of payload over {check.connections}, "
        f"RTT {check.rtt_ms:g} ms, loss {100 * check.loss:.2g} %, {check.control}"
    )
    if limit:
        parts = f"codecs and link {limit.network_s:.3f} s, {limit.stored_bytes:,} bytes"
        print(f"  limit {limit.seconds:.3f} s ({parts})")
    alone = result.alone
    print(
        f"  without network: reading and hashing {alone.read_hash_s:.3f} s, writing {alone.write_s:.3f} s, "
        f"both {alone.both_s:.3f} s"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for title in _COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in sorted(result.rows, key=lambda row: (bool(row.problem), row.wall_s)):
        table.add_row(*_cells(result, row), style="bold" if is_ours(row.peer) else None)
    Console(width=_WIDTH, soft_wrap=False).print(table)


def as_json(result: Result) -> dict[str, object]:
    """One step as JSON values."""
    shape = result.step.point.shape
    return {
        "point": result.step.point.key,
        "kind": result.step.kind.value,
        "rate_mbps": shape.rate_mbps,
        "rtt_ms": shape.rtt_ms,
        "loss": shape.loss,
        "congestion_control": result.step.point.control,
        "shaped_by": result.step.point.kind,
        "link": asdict(result.check),
        "data": result.job.about,
        "files": result.job.files,
        "plain_bytes": result.job.plain_bytes,
        "limit": asdict(result.limit) if result.limit else None,
        "without_network": asdict(result.alone),
        "rows": [_row(result, row) for row in result.rows],
    }


def short_list(sentences: Sequence[str]) -> None:
    """Print what falls short."""
    if sentences:
        print(f"\n{len(sentences)} places fall short:")
    for sentence in sentences:
        print(f"- {sentence}")


def _cells(result: Result, row: Row) -> list[str]:
    low, high = row.spread_s
    spread = f"{low:.3f} to {high:.3f}" if len(row.trials) > 1 else "one run"
    over = result.over_limit(row)
    return [
        row.peer,
        f"{row.wall_s:.3f}",
        spread,
        " + ".join(f"{seconds:.2f}" for seconds in astuple(row.link_use(result.wire_mbps))),
        "" if over is None else f"{over:.2f}",
        f"{row.middle('sent_bytes') / 1e6:.2f}",
        f"{row.middle('returned_bytes') / 1e6:.2f}",
        f"{row.middle('sender_cpu_s'):.2f} + {row.middle('receiver_cpu_s'):.2f}",
        f"{row.middle('sender_mb'):.0f} + {row.middle('receiver_mb'):.0f}",
        row.problem or "",
    ]


def _row(result: Result, row: Row) -> dict[str, object]:
    use = {name: round(seconds, 4) for name, seconds in asdict(row.link_use(result.wire_mbps)).items()}
    return row.as_json() | {"over_limit": _rounded(result.over_limit(row)), "link_use": use}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
