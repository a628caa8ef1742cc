"""Telemetry: schema, recorder, privacy, readings of streams and host; light enough for the data path.

Sinks, sources of tables, validation and incidents are in their own modules, which load Polars and pyarrow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dwcp.telemetry.background import BackgroundWriter
    from dwcp.telemetry.host import HostReading, host_fields, read_host
    from dwcp.telemetry.privacy import IdentifierHasher, key_from_text, load_or_create_key
    from dwcp.telemetry.record import check_record
    from dwcp.telemetry.recorder import Recorder, RecorderStats
    from dwcp.telemetry.rule import Rule
    from dwcp.telemetry.streams import StreamSampler
    from dwcp.telemetry.taker import RecordTaker
    from dwcp.telemetry.tcp import TcpInfo, read_tcp_info

__all__ = [
    "BackgroundWriter",
    "HostReading",
    "IdentifierHasher",
    "RecordTaker",
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

_HOMES = {
    "background": ("BackgroundWriter",),
    "host": ("HostReading", "host_fields", "read_host"),
    "privacy": ("IdentifierHasher", "key_from_text", "load_or_create_key"),
    "record": ("check_record",),
    "recorder": ("Recorder", "RecorderStats"),
    "rule": ("Rule",),
    "streams": ("StreamSampler",),
    "taker": ("RecordTaker",),
    "tcp": ("TcpInfo", "read_tcp_info"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for and no more: a transfer that records nothing needs no schema."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
