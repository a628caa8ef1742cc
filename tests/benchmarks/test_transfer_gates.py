"""The figures of the gates, and every place that falls short by name."""

import pytest
from benchmarks.transfer.gates import GATES, Result, figures, short
from benchmarks.transfer.plan import Kind
from made_up import result, row

from dwcp.evaluation import check_gates

GOOD = [
    result(Kind.FIRST, 100, 2.0, row("dwcp", 2.0), row("dwcp, TLS", 2.5), row("rsync", 3.0)),
    result(
        Kind.SECOND, 100, 1.0, row("dwcp", 1.3), row("dwcp, old version at hand", 1.05), row("rsync", 1.2)
    ),
    result(Kind.KNOWN, None, None, row("dwcp", 1.0), row("rsync", 3.0)),
    result(Kind.RANDOM, None, None, row("dwcp", 1.25), row("rsync", 3.0)),
    result(Kind.START, None, None, row("dwcp", 0.4), row("rsync", 0.1)),
]


def test_all_that_is_good_meets_every_gate() -> None:
    found = figures(GOOD)
    assert found["first_copy_worst"] == 1.0
    assert found["second_version_worst"] == 1.05
    assert found["known_gb_per_s"] == 2.0
    assert found["incompressible_gb_per_s"] == pytest.approx(1.6)
    assert found["resident_mb"] == 20.0
    assert all(gate.met for gate in check_gates(GATES, found))
    assert short(GOOD) == []


@pytest.mark.parametrize(
    ("bad", "metric", "words"),
    [
        (
            result(Kind.FIRST, 100, 2.0, row("dwcp", 2.2), row("rsync", 3.0)),
            "first_copy_worst",
            "dwcp takes 1.10 times the limit of 2.000 s",
        ),
        (
            result(Kind.SECOND, 100, 2.0, row("dwcp", 2.4), row("rsync", 3.0)),
            "second_version_worst",
            "1.20 times",
        ),
        (
            result(Kind.SMALL, 100, None, row("dwcp", 2.0), row("rsync", 1.5), row("bad", 1.0, problem="x")),
            "fastest_share",
            "rsync takes 1.500 s, dwcp 2.000 s",
        ),
        (
            result(Kind.KNOWN, None, None, row("dwcp", 4.0), row("rsync", 5.0)),
            "known_gb_per_s",
            "dwcp moves 0.50 GB/s",
        ),
        (
            result(Kind.RANDOM, None, None, row("dwcp", 4.0), row("rsync", 5.0)),
            "incompressible_gb_per_s",
            "0.50 GB/s",
        ),
        (
            result(Kind.SMALL, 100, None, row("dwcp", 1.0), row("dwcp, TLS", 1.0, resident_mb=300.0)),
            "resident_mb",
            "dwcp, TLS has 300 MB resident",
        ),
        (
            result(Kind.SMALL, 100, None, row("dwcp", 1.0), row("dwcp, 1 stream", 1.0, problem="cut")),
            "exact_share",
            "dwcp, 1 stream failed: cut",
        ),
        (result(Kind.SMALL, 100, None, row("dwcp", 1.0), trusted=False), "trusted_share", "not as it should"),
    ],
)
def test_what_falls_short_is_named(bad: Result, metric: str, words: str) -> None:
    results = [*GOOD, bad]
    missed = [gate.gate.metric for gate in check_gates(GATES, figures(results)) if not gate.met]
    assert missed == [metric]
    [sentence] = short(results)
    assert words in sentence
    assert str(bad.step) in sentence


def test_what_was_not_measured_is_missing() -> None:
    found = figures([result(Kind.FIRST, 100, 2.0, row("rsync", 3.0))])
    assert found == {"trusted_share": 1.0}
    assert figures([]) == {}
