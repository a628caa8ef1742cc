"""What a simulated link shows, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.simulate.links.processes import Floats

__all__ = ["LinkTrace", "join_traces"]


@dataclass(frozen=True, slots=True)
class LinkTrace:
    """Columns of shape ``(steps,)``; names and units are those of the telemetry schema where it has them.

    Attributes:
        link_type: ``dc``, ``metro``, ``wan`` or ``edge``.
        step_s: length of a step.
        time_s: end of each step, seconds since the link's start of time (0 is midnight).
        throughput_mbps: delivered to the receiver by this flow.
        bandwidth_mbps: what the link had for this flow; the throughput unless ``app_limited``.
        rtt_ms: smoothed round trip: propagation, queue and medium access.
        jitter_ms: exponentially weighted mean of the absolute RTT increments (RFC 3550, 6.4.1, gain 1/4).
        packet_loss: share of the step's segments lost, 0 to 1.
        retransmits: segments sent again in the step: those lost.
        congestion_window: segments in flight, by Little's law (throughput times RTT); at least 1.
        buffer_utilization: fill of the bottleneck buffer, 0 to 1.
        bytes_tx: bytes sent in the step, losses included.
        bytes_rx: bytes delivered in the step.
        app_limited: whether the application asked for less than there was.
        regime: name of the regime, e.g. ``normal`` or ``outage``. Not known to any forecast.
        expected_next_mbps: expectation of the next step's bandwidth given the generator's whole state: no
            forecast of it has a smaller mean squared error. Not known to any forecast.
    """

    link_type: str
    step_s: float
    time_s: Floats
    throughput_mbps: Floats
    bandwidth_mbps: Floats
    rtt_ms: Floats
    jitter_ms: Floats
    packet_loss: Floats
    retransmits: NDArray[np.int64]
    congestion_window: NDArray[np.int64]
    buffer_utilization: Floats
    bytes_tx: NDArray[np.int64]
    bytes_rx: NDArray[np.int64]
    app_limited: NDArray[np.bool_]
    regime: NDArray[np.str_]
    expected_next_mbps: Floats

    def __len__(self) -> int:
        return len(self.time_s)


def join_traces(traces: Sequence[LinkTrace]) -> LinkTrace:
    """Consecutive traces of one link as one.

    Raises:
        InputError: no trace, or traces of different links.
    """
    if not traces or len({(trace.link_type, trace.step_s) for trace in traces}) != 1:
        raise InputError("only consecutive traces of one link can be joined, and at least one")
    columns = {
        column.name: np.concatenate([getattr(trace, column.name) for trace in traces])
        for column in fields(LinkTrace)
        if column.name not in ("link_type", "step_s")
    }
    return LinkTrace(link_type=traces[0].link_type, step_s=traces[0].step_s, **columns)
