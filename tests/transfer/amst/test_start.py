import pytest

from dwcp.transfer.amst import PathRecord, starting_streams


@pytest.mark.parametrize(
    ("rtt_ms", "loss_based", "remembered", "most", "streams"),
    [
        (None, True, None, 64, 2),
        (0.2, True, None, 64, 2),
        (0.2, False, None, 64, 2),
        (2.0, False, None, 64, 1),
        (80.0, False, None, 64, 1),
        (5.0, True, None, 64, 2),
        (20.0, True, None, 64, 8),
        (80.0, True, None, 4, 4),
        (0.2, True, None, 1, 1),
        (80.0, True, 48, 64, 48),
        (0.2, False, 48, 32, 32),
        (80.0, True, 1, 64, 1),
    ],
)
def test_where_a_transfer_starts(
    rtt_ms: float | None, loss_based: bool, remembered: int | None, most: int, streams: int
) -> None:
    record = None if remembered is None else PathRecord(100.0, 80.0, 0.01, remembered, 1.8e9)
    assert starting_streams(rtt_ms, record, most, loss_based=loss_based) == streams
