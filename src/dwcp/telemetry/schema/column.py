"""What one column of telemetry is."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

__all__ = ["MAX_TEXT_CHARACTERS", "Column", "DType", "Group", "Row", "Value"]

MAX_TEXT_CHARACTERS = 256
"""Longest string a record may hold."""

Value = str | int | float | bool | datetime | None
"""What a cell may hold: never bytes, never a container."""

Row = dict[str, Value]
"""One admitted record: every column of its kind, in the kind's order; None where missing."""


class DType(StrEnum):
    """The type of a column's values."""

    INT64 = "int64"
    FLOAT64 = "float64"
    BOOL = "bool"
    STRING = "string"
    TIMESTAMP = "timestamp"


class Group(StrEnum):
    """What a column is about; a name is unique within its group, and within a record kind."""

    TEMPORAL = "temporal"
    TOPOLOGY = "topology"
    IDENTITY = "identity"
    LATENCY = "latency"
    THROUGHPUT = "throughput"
    RELIABILITY = "reliability"
    CONGESTION = "congestion"
    PROTOCOL = "protocol"
    COMPRESSION = "compression"
    STREAMS = "streams"
    RELIABILITY_BUDGET = "reliability budget"
    HOST = "host"
    CONSENSUS = "consensus"
    BLOCK_ACCESS = "block access"
    GOSSIP = "gossip"
    TARGETS = "targets"


class Column(Struct, frozen=True):
    """One column: everything any part of the system needs to know about it.

    Whether a value may be missing depends on the record: see `Kind.required`.

    Attributes:
        group: what the column is about.
        name: the name in tables, unit included where there is one.
        dtype: the type of its values.
        unit: the unit, ``1`` for a share or a plain number, ``-`` where a unit makes no sense.
        meaning: one line for the documentation.
        low: smallest value allowed (inclusive), or None.
        high: largest value allowed (inclusive), or None.
        categories: the only strings allowed, in order; empty for free strings and numbers.
        tasks: the tasks that read it.
        hashed: the namespace an identifier is hashed in, or empty: equal identifiers in one namespace
            have equal hashes, so ``peer_id`` of one node meets ``node_id`` of another.
        quasi_identifier: tells hosts apart when combined with others; generalised before release.
        target: known only afterwards; never an input of a model.
    """

    group: Group
    name: str
    dtype: DType
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    hashed: str = ""
    quasi_identifier: bool = False
    target: bool = False
