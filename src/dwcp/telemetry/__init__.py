"""Telemetry: schema, recorder, privacy, readings of streams and host; light enough for the data path.

Sinks, sources of tables, validation and incidents are in their own modules, which load Polars and pyarrow.
"""

from dwcp.telemetry.background import BackgroundWriter
from dwcp.telemetry.host import HostReading, host_fields, read_host
from dwcp.telemetry.privacy import IdentifierHasher, key_from_text, load_or_create_key
from dwcp.telemetry.record import check_record
from dwcp.telemetry.recorder import Recorder, RecorderStats
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.streams import StreamSampler
from dwcp.telemetry.tcp import TcpInfo, read_tcp_info

__all__ = [
    "BackgroundWriter",
    "HostReading",
    "IdentifierHasher",
    "Recorder",
    "RecorderStats",
    "Rule",
    "StreamSampler",
    "TcpInfo",
    "check_record",
    "host_fields",
    "key_from_text",
    "load_or_create_key",
    "read_host",
    "read_tcp_info",
]
