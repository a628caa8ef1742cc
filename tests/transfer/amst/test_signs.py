import pytest
from amst_cases import sample

from dwcp.transfer.amst import Limit
from dwcp.transfer.amst.signs import StreamSigns


def _after(*samples: object, loss_based: bool = True) -> StreamSigns:
    signs = StreamSigns(loss_based)
    for number, one in enumerate(samples):
        signs.take(number * 0.1, one)  # type: ignore[arg-type]
    return signs


def test_nothing_speaks_for_anything_at_first() -> None:
    assert not StreamSigns().more
    assert not StreamSigns().fewer


def test_losses_without_a_queue_speak_for_more() -> None:
    lossy = sample(10, resent_bytes=1448)
    assert _after(lossy).more
    assert not _after(lossy, loss_based=False).more
    assert not _after(sample(10, resent_bytes=1448, min_rtt_ms=0.2, rtt_ms=0.3)).more


def test_losses_with_a_queue_speak_for_fewer_where_they_are_many() -> None:
    few = sample(100, resent_bytes=12_500, rtt_ms=80.0)
    many = sample(100, resent_bytes=125_000, rtt_ms=80.0)
    assert (_after(few).more, _after(few).fewer) == (False, False)
    assert (_after(many).more, _after(many).fewer) == (False, True)


def test_a_queue_is_remembered_for_ten_round_trips() -> None:
    queue, lossy = sample(10, rtt_ms=80.0), sample(10, resent_bytes=1448)
    assert not _after(queue, lossy).more
    assert _after(queue, *[sample(10)] * 8, lossy).more


def test_full_windows_speak_for_more_on_a_long_path_without_a_queue() -> None:
    assert _after(*[sample(10, window_limited=1.0)] * 20).more
    assert not _after(*[sample(10, window_limited=1.0, min_rtt_ms=1.0, rtt_ms=1.0)] * 20).more
    assert not _after(*[sample(10, window_limited=1.0, rtt_ms=80.0)] * 20).more


def test_signs_are_forgotten() -> None:
    assert not _after(sample(10, resent_bytes=1448), *[sample(10)] * 600).more
    signs = _after(sample(10, resent_bytes=1448))
    signs.forget()
    assert not signs.more


@pytest.mark.parametrize("limit", list(Limit)[1:])
def test_what_the_network_did_not_limit_says_nothing(limit: Limit) -> None:
    assert not _after(sample(10, limit=limit, resent_bytes=1448, window_limited=1.0)).more
