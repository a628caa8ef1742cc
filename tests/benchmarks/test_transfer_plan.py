"""Which links are measured, and which the relay cannot carry."""

from pathlib import Path

import pytest
from benchmarks.transfer.links import LinkCheck, Point, as_it_should_be
from benchmarks.transfer.plan import USUAL, Data, Kind, Step, at, everything, too_fast


def test_everything_is_every_rate_delay_and_loss() -> None:
    steps = everything()
    assert len({step.point.key for step in steps}) == 7 * 3 * 3
    assert len({str(step) for step in steps}) == len(steps)
    assert {step.point.shape.rate_mbps for step in USUAL} == {10, 50, 100, 500, 1000, 5000, None}
    assert len({str(step) for step in USUAL}) == len(USUAL)
    assert {step.kind for step in USUAL} == set(Kind)


def test_a_payload_rate_is_what_headers_and_loss_leave() -> None:
    assert at(1000).ideal_mbps == pytest.approx(956.4, abs=0.1)
    assert at(1000, 20).ideal_mbps == pytest.approx(965.3, abs=0.1)
    assert at(1000, 0, 0.01).ideal_mbps == pytest.approx(946.8, abs=0.1)
    assert at(None).ideal_mbps is None


def test_what_the_relay_cannot_carry_is_told() -> None:
    ceilings = {False: 5000.0, True: 1000.0}
    assert too_fast(at(None), ceilings) is None
    assert too_fast(at(1000, 20), ceilings) is None
    assert "carries 1,000 Mbit/s here, too little" in str(too_fast(at(1000, 20, 0.01), ceilings))
    assert "would be the limit" in str(too_fast(at(None, 20), ceilings))


@pytest.mark.parametrize(
    ("point", "found", "trusted"),
    [
        (at(100), LinkCheck(95.0, 1, 1.0, 0.0, "bbr", False), True),
        (at(100), LinkCheck(70.0, 1, 1.0, 0.0, "bbr", False), False),
        (at(100), LinkCheck(95.0, 1, 1.0, 0.0, "cubic", False), False),
        (at(100, 20), LinkCheck(95.0, 1, 21.0, 0.0, "bbr", False), True),
        (at(100, 20), LinkCheck(95.0, 1, 5.0, 0.0, "bbr", False), False),
        (at(100, 20, 0.01), LinkCheck(30.0, 1, 21.0, 0.012, "bbr", False), True),
        (at(100, 20, 0.01), LinkCheck(30.0, 1, 21.0, 0.05, "bbr", False), False),
    ],
)
def test_a_link_is_trusted_when_it_does_what_it_should(point: Point, found: LinkCheck, trusted: bool) -> None:
    assert as_it_should_be(point, found) is trusted


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_data_is_made(kind: Kind, corpus: Path, tmp_path: Path) -> None:
    step = next(step for step in USUAL if step.kind is kind)
    job = Data(corpus, large_bytes=100_000).build(step, tmp_path / "job")
    assert job.name == kind
    assert (job.before is None) == (kind in (Kind.FIRST, Kind.SMALL, Kind.RANDOM, Kind.START))


def test_a_given_folder_is_sent_in_first_copies(corpus: Path, tmp_path: Path) -> None:
    job = Data(corpus, given=corpus).build(Step(at(10), Kind.FIRST), tmp_path / "job")
    assert "given by --data" in job.about
