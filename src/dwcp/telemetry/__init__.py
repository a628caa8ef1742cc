"""Telemetry: the schema, the recorder and privacy; light enough for the data path to import.

Sinks, sources, validation and incidents are in their own modules, which load Polars and pyarrow.
"""

from dwcp.telemetry.background import BackgroundWriter
from dwcp.telemetry.privacy import IdentifierHasher, key_from_text, load_or_create_key
from dwcp.telemetry.record import check_record
from dwcp.telemetry.recorder import Recorder, RecorderStats
from dwcp.telemetry.rule import Rule

__all__ = [
    "BackgroundWriter",
    "IdentifierHasher",
    "Recorder",
    "RecorderStats",
    "Rule",
    "check_record",
    "key_from_text",
    "load_or_create_key",
]
