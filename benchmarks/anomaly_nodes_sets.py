"""Recorded nodes and servers that detectors are judged on, in the project's units."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.tasks.consensus.recorded import series_of
from dwcp.tasks.reliability.series import Fleet
from dwcp.telemetry.sources.recording import read_recording

DEFAULT_FOLDER = Path("data/anomaly")
NODES = "etcd_3n"
SERVERS = ("smd/machine-*.npz", "asd/omi-*.npz")

CORES, MEMORY_BYTES, DISK_BYTES_S = 2.0, 2.0**30, 1e8
"""What the recorded machine had, or nearly: cores, bytes and bytes a second become shares of these."""

_COLUMNS = (
    *("error_rate", "timeout_rate", "latency_p50", "latency_p99", "sla_violations", "connection_failures"),
    *("packet_loss_rate", "cpu_usage", "memory_usage", "disk_io"),
)
_SHARES = {"error_rate": 1.0, "timeout_rate": 1.0, "packet_loss_rate": 1.0}
_SHARES |= {"cpu_usage": CORES, "memory_usage": MEMORY_BYTES, "disk_io": DISK_BYTES_S}


@dataclass(frozen=True)
class RecordedNodes:
    """The nodes of a cluster with injected faults.

    Attributes:
        fleet: rows of a fault at another node count as benign.
        unnoticed: names of the faults that no client noticed, as the fleet has them.
        files: what was read.
    """

    fleet: Fleet
    unnoticed: frozenset[str]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Server:
    """A server with anonymous metrics, scaled to 0 to 1; its earlier part is quiet.

    Attributes:
        name: of the set and the server.
        train: the quiet part, ``(rows, metrics)``.
        test: the labelled part.
        labels: which of its rows are abnormal.
        step_s: time between rows.
    """

    name: str
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    labels: NDArray[np.bool_]
    step_s: float


def anomaly_folder(named: Path | None) -> Path:
    """The folder of the sets: as named, or of ``DWCP_ANOMALY``, or `DEFAULT_FOLDER`.

    Raises:
        InputError: there is no such folder.
    """
    folder = named or Path(os.environ.get("DWCP_ANOMALY") or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; name one by --data or DWCP_ANOMALY")
    return folder


def servers(folder: Path) -> list[Path]:
    """The servers' files.

    Raises:
        InputError: there is none.
    """
    found = [file for pattern in SERVERS for file in sorted(folder.glob(pattern))]
    if not found:
        raise InputError(f"the folder {folder} should hold {' or '.join(SERVERS)}")
    return found


def recorded_nodes(folder: Path) -> RecordedNodes:
    """A recording of a cluster.

    Raises:
        InputError: a file is missing or cannot be read.
        SchemaError: it is no such recording.
    """
    recording = read_recording(folder)
    fleet = _fleet(recording.nodes.sort("ts", "node"), folder.name)
    hidden = [
        time
        for time, kind in zip(
            *(getattr(series_of(recording, ""), name) for name in ("times_s", "kinds")), strict=True
        )
        if kind == "hidden"
    ]
    rows = np.isin(fleet.times_s, hidden)[:, None] & (fleet.kinds == "fault")
    files = tuple(
        sorted(path for stem in ("cluster", "nodes", "faults") for path in folder.glob(f"{stem}.csv*"))
    )
    return RecordedNodes(fleet, frozenset(fleet.events[rows].tolist()), files)


def _fleet(table: pl.DataFrame, name: str) -> Fleet:
    nodes = table["node"].unique().sort().to_list()
    shape = (table.height // len(nodes), len(nodes))
    metrics = np.stack(
        [
            np.minimum(values / _SHARES[column], 1.0) if column in _SHARES else values
            for column in _COLUMNS
            for values in [table[column].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(shape)]
        ],
        axis=2,
    )
    kind, fault, here = (
        np.array(table[column].to_list()).reshape(shape) for column in ("kind", "fault", "fault_here")
    )
    kinds = np.where(kind == "none", "quiet", np.where(kind == "recovery", "recovery", "benign"))
    kinds = np.where((kind == "fault") & (here == 1), "fault", kinds)
    changes = (fault != np.roll(fault, 1, axis=0)) | (kind != np.roll(kind, 1, axis=0))
    number = np.cumsum(changes.any(axis=1))
    events = np.where(kinds == "quiet", "", np.char.add(np.char.add(fault, "-"), number[:, None].astype(str)))
    times_s = table["ts"].unique().sort().to_numpy().astype(np.float64)
    return Fleet(name, tuple(map(str, nodes)), times_s, metrics, kinds, events)


def server(path: Path) -> Server:
    """A server's file.

    Raises:
        InputError: it cannot be read as one.
    """
    try:
        with np.load(path) as arrays:
            train, test = (np.nan_to_num(arrays[name].astype(np.float64)) for name in ("train", "test"))
            labels = arrays["label"].astype(np.bool_)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no server's file: {error}") from error
    step_s = 60.0 if path.parent.name == "smd" else 300.0
    return Server(f"{path.parent.name}/{path.stem}", train, test, labels, step_s)
