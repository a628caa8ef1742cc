"""Sources: where tables come from."""

from dwcp.telemetry.sources.batch import Batch, Fault
from dwcp.telemetry.sources.csv import CsvSource
from dwcp.telemetry.sources.frame import FrameSource
from dwcp.telemetry.sources.opening import open_source
from dwcp.telemetry.sources.parquet import ParquetSource
from dwcp.telemetry.sources.source import Source, Unknown

__all__ = ["Batch", "CsvSource", "Fault", "FrameSource", "ParquetSource", "Source", "Unknown", "open_source"]
