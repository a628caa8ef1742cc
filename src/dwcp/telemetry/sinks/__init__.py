"""Sinks: where records go."""

from dwcp.telemetry.sinks.memory import MemorySink, NullSink
from dwcp.telemetry.sinks.parquet import ParquetSink, Pruned
from dwcp.telemetry.sinks.sink import Sink

__all__ = ["MemorySink", "NullSink", "ParquetSink", "Pruned", "Sink"]
