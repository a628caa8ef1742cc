"""A simulated link as a table of telemetry."""

import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dwcp.errors import StorageError
from dwcp.telemetry.parquet_file import TableWriter
from dwcp.telemetry.schema import KINDS, arrow_schema

if TYPE_CHECKING:
    from dwcp.simulate import LinkTrace

__all__ = ["write_link"]

_MIDNIGHT_NS = 1_767_225_600 * 10**9
"""2026-01-01 UTC: simulated links know the time of day only."""
_NOT_TELEMETRY = ("step_s", "time_s", "regime", "expected_next_mbps")
"""What nobody on a real link could record."""


def write_link(traces: Iterable["LinkTrace"], out: Path, name: str, progress: Callable[[int], None]) -> None:
    """Write consecutive traces of one link as records of kind ``link``, whole or not at all.

    Args:
        traces: the parts, in order.
        out: the Parquet file; one that stands there is replaced.
        name: the node's name; the other end is called after it.
        progress: told the number of rows so far.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    schema = arrow_schema(KINDS["link"])
    draft = out.with_name(f".{out.name}.{secrets.token_hex(6)}")
    rows = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with TableWriter(draft, schema) as writer:
                for trace in traces:
                    writer.write(_table(trace, name, schema))
                    rows += len(trace)
                    progress(rows)
            draft.replace(out)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise StorageError.of(
            error, f"{out} cannot be written: {reason}; nothing was changed there"
        ) from error


def _table(trace: "LinkTrace", name: str, schema: pa.Schema) -> pa.Table:
    rows = len(trace)
    times = _MIDNIGHT_NS + np.rint(trace.time_s * 1e9).astype(np.int64)
    known: dict[str, object] = {
        "epoch_time": times,
        "timestamp": times // 1000,
        "node_id": [name] * rows,
        "peer_id": [f"{name}-peer"] * rows,
        "link_type": [trace.link_type] * rows,
    }
    known |= {
        field.name: getattr(trace, field.name)
        for field in schema
        if hasattr(trace, field.name) and field.name not in (*known, *_NOT_TELEMETRY)
    }
    columns = [pa.array(known.get(field.name, [None] * rows), type=field.type) for field in schema]
    return pa.table(columns, schema=schema)
