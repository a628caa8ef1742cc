"""Where the time of a transfer goes: parts that add up to the whole."""

from io import StringIO
from itertools import count

import pytest
from benchmarks.transfer.link_use import LinkUse, Watch, arrived_at_device, link_use
from benchmarks.transfer.rounds import Row
from benchmarks.transfer.trial import Trial

TABLE = """Inter-|   Receive              |  Transmit
 face |bytes    packets errs drop |bytes    packets errs drop
    lo:     216       2    0    0      216       2    0    0
 dwcp0: {arrived}       9    0    0     7777      10    0    0
"""


def test_a_link_that_idles_first_and_in_the_middle() -> None:
    # 10 MB at 80 Mbit/s are one second; it begins at 0.5 s, rests from 1.0 to 1.4, and is over at 2.0.
    samples = [
        (0.0, 100),
        (0.5, 100),
        (1.0, 5_000_100),
        (1.4, 5_000_100),
        (1.9, 10_000_100),
        (2.0, 10_000_100),
    ]
    use = link_use(samples, 2.0, 80.0)
    assert use.before_s == pytest.approx(0.51)
    assert use.full_s == pytest.approx(0.98)
    assert use.unused_s == pytest.approx(0.4)
    assert use.after_s == pytest.approx(0.11)


def test_the_parts_are_the_whole_and_none_is_negative() -> None:
    for samples in (
        [(0.0, 0)],
        [(0.0, 5), (0.3, 5)],
        [(0.0, 0), (0.01, 10**9), (0.02, 10**9)],
        [(0.0, 0), (9.0, 50)],
    ):
        use = link_use(samples, 1.0, 10.0)
        parts = (use.before_s, use.full_s, use.unused_s, use.after_s)
        assert sum(parts) == pytest.approx(1.0)
        assert min(parts) >= 0


def test_what_the_device_took_in_is_read() -> None:
    assert arrived_at_device(TABLE.format(arrived=123456)) == 123456
    assert arrived_at_device(TABLE.format(arrived=1).replace("dwcp0", "eth0")) == 0


def test_of_an_idle_link_the_last_sample_is_kept() -> None:
    ticks = count()
    watch = Watch(StringIO(TABLE.format(arrived=5)), lambda: float(next(ticks)))
    for _ in range(4):
        watch.look()
    assert watch.samples == [(0.0, 5), (3.0, 5)]


def test_a_row_gives_the_median_of_each_part() -> None:
    early, late = (((0.0, 0), (begin, 0), (begin + 0.5, 1000)) for begin in (0.1, 0.3))
    row = Row("x", tuple(Trial(1.0, arrivals=arrivals) for arrivals in (early, late, late)))
    assert row.link_use(1000.0).before_s == pytest.approx(0.305)
    assert Row("y", (Trial(1.0),)).link_use(1000.0) == LinkUse(0.0, 0.0, 0.0, 1.0)
