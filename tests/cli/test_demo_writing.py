import math

import pytest

from dwcp.cli.demo.writing import (
    interval_text,
    link_text,
    percent_text,
    range_text,
    seconds_text,
)
from dwcp.evaluation import Interval


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (123.4, "123 s"),
        (4.0649, "4.06 s"),
        (1.0, "1.00 s"),
        (0.0472, "47.2 ms"),
        (0.433, "433 ms"),
        (0.000208, "208 µs"),
        (0.0, "0.00 µs"),
    ],
)
def test_seconds_in_the_unit_that_fits(seconds, written):
    assert seconds_text(seconds) == written


def test_shares_in_percent():
    assert percent_text(0.0204) == "2.0 %"
    assert percent_text(0.0204, signed=True) == "+2.0 %"
    assert percent_text(-0.013, signed=True) == "-1.3 %"
    assert percent_text(2.53, signed=True) == "+253 %"
    assert percent_text(-0.0002, signed=True) == "-0.02 %"
    assert percent_text(0.0) == percent_text(-0.00001) == "0 %"


def test_intervals_with_their_bounds_or_nothing():
    assert interval_text(Interval(0.02, 0.0091, 0.041)) == "[0.9, 4.1]"
    assert interval_text(Interval(0.02, -math.inf, math.inf)) == ""


def test_ranges_from_the_least_to_the_largest():
    assert range_text([0.02, 0.006, 0.013]) == "0.6 to 2.0 %"
    assert range_text([0.02, 0.02]) == "2.0 %"


def test_links():
    assert [link_text(mbps) for mbps in (10, 1000, 10000)] == ["10 Mbit/s", "1 Gbit/s", "10 Gbit/s"]
