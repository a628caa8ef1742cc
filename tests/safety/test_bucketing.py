from collections import Counter

import pytest

from dwcp.errors import InputError
from dwcp.safety.bucketing import BUCKETS, ExperimentBuckets, RolloutBuckets, murmur3

UNITS = [f"link-{number}" for number in range(100_000)]
CHI_SQUARE_1 = 15.1
"""Exceeded by chance once in 10,000, with one degree of freedom."""


@pytest.mark.parametrize(
    ("key", "seed", "expected"),
    [
        (b"", 0, 0x00000000),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"\xff\xff\xff\xff", 0, 0x76293B50),
        (b"\x21\x43\x65\x87", 0, 0xF55B516B),
        (b"\x21\x43\x65\x87", 0x5082EDEE, 0x2362F9DE),
        (b"\x21\x43\x65", 0, 0x7E4A8634),
        (b"\x21\x43", 0, 0xA0F7B07A),
        (b"\x21", 0, 0x72661CF4),
        (b"\x00\x00\x00\x00", 0, 0x2362F9DE),
        (b"Hello, world!", 1234, 0xFAF6CDB3),
        (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
        ("ππππππππ".encode(), 0x9747B28C, 0xD58063C1),
    ],
)
def test_the_published_vectors(key, seed, expected):
    assert murmur3(key, seed) == expected


def test_the_buckets_of_some_units_are_pinned():
    """A change here moves units between arms while a rollout is under way."""
    assert [RolloutBuckets("compression 1.4.0").of(unit) for unit in ("a", "link-7", "é", "")] == [
        9710,
        2777,
        3990,
        9133,
    ]
    assert [ExperimentBuckets("compression 1.4.0").of(unit) for unit in ("a", "link-7", "é", "")] == [
        9671,
        5040,
        8036,
        452,
    ]


def test_units_are_spread_evenly():
    buckets = RolloutBuckets("compression 1.4.0")
    counts = Counter(buckets.of(unit) * 100 // BUCKETS for unit in UNITS)
    expected = len(UNITS) / 100
    chi_square = sum((counts[part] - expected) ** 2 / expected for part in range(100))
    assert chi_square < 148, "99 degrees of freedom: exceeded by chance once in a thousand"


def chi_square_of(table: Counter[tuple[bool, bool]]) -> float:
    """Pearson's statistic of a table of two by two."""
    total = table.total()
    found = 0.0
    for row in (True, False):
        for column in (True, False):
            expected = (
                (table[row, True] + table[row, False]) * (table[True, column] + table[False, column]) / total
            )
            found += (table[row, column] - expected) ** 2 / expected
    return found


@pytest.mark.parametrize("share", [0.05, 0.10, 0.50])
def test_rollout_and_experiment_are_independent_even_under_one_name(share):
    rollout, experiment = RolloutBuckets("same"), ExperimentBuckets("same")
    table = Counter(
        (rollout.of(unit) < share * BUCKETS, experiment.of(unit) < BUCKETS // 2) for unit in UNITS
    )
    assert chi_square_of(table) < CHI_SQUARE_1


def test_inside_a_rollout_of_a_tenth_both_arms_are_filled_evenly():
    rollout, experiment = RolloutBuckets("same"), ExperimentBuckets("same")
    inside = [unit for unit in UNITS if rollout.of(unit) < BUCKETS // 10]
    treated = sum(experiment.of(unit) < BUCKETS // 2 for unit in inside)
    half = len(inside) / 2
    assert 9_600 < len(inside) < 10_400
    assert 2 * (treated - half) ** 2 / half < CHI_SQUARE_1


def test_one_seed_for_both_would_be_found_by_the_test_above():
    rollout = RolloutBuckets("same")
    table = Counter((rollout.of(unit) < 1000, rollout.of(unit) < 5000) for unit in UNITS)
    assert chi_square_of(table) > 100 * CHI_SQUARE_1


def test_candidates_begin_with_different_units():
    one, other = RolloutBuckets("compression 1.4.0"), RolloutBuckets("compression 1.5.0")
    table = Counter((one.of(unit) < 500, other.of(unit) < 500) for unit in UNITS)
    assert chi_square_of(table) < CHI_SQUARE_1


def test_feature_and_unit_cannot_run_into_each_other():
    assert RolloutBuckets("a").of("bc") != RolloutBuckets("ab").of("c")


def test_a_name_that_is_not_unicode_has_a_bucket():
    assert 0 <= RolloutBuckets("a").of("file-\udcff") < BUCKETS


@pytest.mark.parametrize("feature", ["", "a\0b"])
@pytest.mark.parametrize("kind", [RolloutBuckets, ExperimentBuckets])
def test_a_name_that_would_not_be_unambiguous_is_refused(kind, feature):
    with pytest.raises(InputError, match="cannot name a rollout"):
        kind(feature)
