import pytest

from dwcp.tasks.bandwidth.contract import Quantiles
from dwcp.transfer.amst import PathRecord, starting_streams


def _record(streams: int) -> PathRecord:
    return PathRecord(100.0, 80.0, 0.01, streams, 1.8e9)


@pytest.mark.parametrize(
    ("rtt_ms", "remembered", "low_mbps", "most", "streams"),
    [
        (None, None, None, 64, 4),
        (0.2, None, None, 64, 4),
        (80.0, None, None, 64, 16),
        (20.0, None, None, 64, 16),
        (80.0, None, None, 8, 8),
        (0.2, None, None, 2, 2),
        (1.0, None, 200.0, 64, 10),
        (1.0, None, 10.0, 64, 2),
        (80.0, None, 100.0, 64, 16),
        (80.0, 48, 10.0, 64, 48),
        (80.0, 48, None, 32, 32),
        (80.0, 1, None, 64, 1),
        (0.2, 3, 200.0, 64, 3),
    ],
)
def test_where_a_transfer_starts(
    rtt_ms: float | None, remembered: int | None, low_mbps: float | None, most: int, streams: int
) -> None:
    record = None if remembered is None else _record(remembered)
    expected = None if low_mbps is None else Quantiles(low_mbps, 2 * low_mbps, 3 * low_mbps)
    assert starting_streams(rtt_ms, record, expected, most) == streams
