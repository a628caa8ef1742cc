"""Writes a recording row by row, so that one that is cut short can still be read."""

import csv
import gzip
import lzma
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from dwcp.errors import InputError, StorageError
from dwcp.telemetry.sources.etcd.seconds import ClusterSecond, MemberSecond, Second
from dwcp.telemetry.sources.recording import Event

__all__ = ["RecordingWriter"]

_LABELS = ("kind", "fault")
_DIGITS = 6
_EVENT = Event(0, "", "", (), False, 0.0, 0.0, 0.0)


class RecordingWriter:
    """Writes ``cluster.csv``, ``nodes.csv`` and ``faults.csv`` into a folder; a context manager.

    Args:
        folder: made if it is not there; must have no recording.
        suffix: ``.xz`` or ``.gz`` compresses; then rows are safe only when it is closed.

    Raises:
        InputError: there is a recording already.
        StorageError: the folder may not be written.
    """

    def __init__(self, folder: Path, suffix: Literal["", ".xz", ".gz"] = "") -> None:
        columns = {
            "cluster": (*(one.name for one in fields(ClusterSecond)), *_LABELS),
            "nodes": (*(one.name for one in fields(MemberSecond)), "fault_here", *_LABELS),
            "faults": tuple(_EVENT.row()),
        }
        if any(folder.glob("cluster.csv*")):
            raise InputError(f"{folder} has a recording already; name another folder")
        self._files = ExitStack()
        self._opened: dict[str, IO[str]] = {}
        self._tables: dict[str, csv.DictWriter[str]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for stem, names in columns.items():
                self._opened[stem] = self._files.enter_context(_open(folder / f"{stem}.csv{suffix}"))
                self._tables[stem] = csv.DictWriter(self._opened[stem], names, lineterminator="\n")
                self._tables[stem].writeheader()
        except OSError as error:
            self._files.close()
            raise StorageError.of(error, f"{folder} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def write(
        self, second: Second, kind: str = "none", fault: str = "none", targets: tuple[int, ...] = ()
    ) -> None:
        """Add a second.

        Args:
            second: the cluster's and the members' rows.
            kind: ``none``, ``benign``, ``fault`` or ``recovery``.
            fault: which fault or benign event.
            targets: members that a fault is done to at that time.
        """
        label = {"kind": kind, "fault": fault}
        self._write("cluster", asdict(second.cluster) | label)
        for member in second.members:
            here = {"fault_here": int(kind == "fault" and member.node in targets)}
            self._write("nodes", asdict(member) | here | label)

    def event(self, event: Event) -> None:
        """Add a fault or a benign event that is over."""
        self._write("faults", event.row())

    def _write(self, stem: str, row: Mapping[str, object]) -> None:
        self._tables[stem].writerow({name: _cell(value) for name, value in row.items()})
        self._opened[stem].flush()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else round(value, _DIGITS)
    return value


def _open(path: Path) -> IO[str]:
    match path.suffix:
        case ".xz":
            return lzma.open(path, "wt", encoding="utf-8")
        case ".gz":
            return gzip.open(path, "wt", encoding="utf-8")
        case _:
            return path.open("w", encoding="utf-8")
