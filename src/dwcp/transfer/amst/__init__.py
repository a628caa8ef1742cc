"""Adaptive multi-stream transport: how many streams, how fast the link is, and what was learned of a path."""

from dwcp.transfer.amst.forecast import forecast
from dwcp.transfer.amst.formulas import (
    UNSURE_STREAMS,
    published_buffer_bytes,
    published_chunk_bytes,
    published_streams,
)
from dwcp.transfer.amst.link import DEFAULT_MBPS, Known, LinkEstimate, LinkEstimator
from dwcp.transfer.amst.memory import PathMemory, PathRecord
from dwcp.transfer.amst.outlook import STEP_S, Outlook, expected_mbps, step_of, streams_worth
from dwcp.transfer.amst.samples import Limit, Sample, StreamMeter
from dwcp.transfer.amst.sockets import congestion_control, fit_send_buffer, is_loss_based, tune
from dwcp.transfer.amst.start import starting_streams
from dwcp.transfer.amst.streams import ChangeReason, StreamController

__all__ = [
    "DEFAULT_MBPS",
    "STEP_S",
    "UNSURE_STREAMS",
    "ChangeReason",
    "Known",
    "Limit",
    "LinkEstimate",
    "LinkEstimator",
    "Outlook",
    "PathMemory",
    "PathRecord",
    "Sample",
    "StreamController",
    "StreamMeter",
    "congestion_control",
    "expected_mbps",
    "fit_send_buffer",
    "forecast",
    "is_loss_based",
    "published_buffer_bytes",
    "published_chunk_bytes",
    "published_streams",
    "starting_streams",
    "step_of",
    "streams_worth",
    "tune",
]
