"""What codecs are expected to cost, and what a flow teaches."""

from dataclasses import replace

import pytest

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts
from dwcp.tasks.compression.contract import CANDIDATES, TRANSFER, action_named
from dwcp.transfer.sending.costs import NONE, Experience, Resources, cheapest

ZSTD_3, ZSTD_9, LZ4 = action_named("zstd-3"), action_named("zstd-9"), action_named("lz4")
FACTS = BlockFacts(256 * 1024, 5.0, 5.0, 5.0, 0.0, 0.5, 0.1)
PLAIN = [action for action in TRANSFER if not action.use_reference]


def test_slower_links_get_stronger_codecs() -> None:
    chosen = [
        cheapest(Experience(), PLAIN, Resources(mbps, 1)).name for mbps in (2, 20, 100, 700, 3000, 20_000)
    ]
    assert chosen == ["zstd-19", "zstd-15", "zstd-12", "zstd-3", "zstd-1", "none"] or len(set(chosen)) >= 5
    ratios = [Experience().ratio(action_named(name)) for name in chosen]
    assert ratios == sorted(ratios)


def test_more_workers_get_stronger_codecs() -> None:
    ratios = [
        Experience().ratio(cheapest(Experience(), PLAIN, Resources(1000, workers)))
        for workers in (1, 2, 8, 64)
    ]
    assert ratios == sorted(ratios, reverse=True)


def test_what_was_measured_counts() -> None:
    experience = Experience()
    for _ in range(5):
        experience.observe(ZSTD_3, 1_000_000, 50_000, 0.01)
    assert experience.ratio(ZSTD_3) == pytest.approx(0.05, rel=0.01)
    assert experience.s_per_byte(ZSTD_3) == pytest.approx(1e-8, rel=0.25)
    assert experience.ratio(ZSTD_9) < experience.ratio(ZSTD_3) < experience.ratio(LZ4)
    assert experience.is_measured(ZSTD_3)
    assert not experience.is_measured(ZSTD_9)


def test_what_was_measured_fades() -> None:
    experience, fresh = Experience(), Experience()
    experience.age(0.0)
    experience.observe(ZSTD_3, 1_000_000, 900_000, 1.0)
    slow = experience.s_per_byte(ZSTD_9)
    experience.age(1000.0)
    assert experience.s_per_byte(ZSTD_9) < slow / 2
    assert experience.ratio(ZSTD_3) == pytest.approx(fresh.ratio(ZSTD_3), rel=0.01)
    assert not experience.is_measured(ZSTD_3)


def test_what_does_not_compress_is_sent_as_it_is() -> None:
    experience = Experience()
    for probe in (Probe(1.0, 1.0), Probe(1.01, 1.0)):
        experience.look(replace(FACTS, lz4=probe))
        for mbps in (1, 100, 10_000):
            assert cheapest(experience, PLAIN, Resources(mbps, 4)) == NONE
    experience.forget()
    assert cheapest(experience, PLAIN, Resources(100, 4)) != NONE


def test_probes_tell_the_ratio() -> None:
    for probes in ({"lz4": Probe(0.5, 1.0)}, {"zstd_fast": Probe(0.2, 1.0), "lz4": Probe(0.9, 1.0)}):
        experience = Experience()
        experience.look(replace(FACTS, **probes))
        assert experience.ratio(LZ4 if len(probes) == 1 else action_named("zstd-1")) == pytest.approx(
            0.5 if len(probes) == 1 else 0.2, rel=0.35
        )
    random = Experience()
    random.look(replace(FACTS, entropy_bits=7.99))
    assert random.ratio(ZSTD_3) > 0.8
    told_nothing = Experience()
    told_nothing.look(FACTS)
    assert told_nothing.ratio(ZSTD_3) == Experience().ratio(ZSTD_3)


def test_deltas_are_a_family_of_their_own() -> None:
    experience = Experience()
    delta = action_named("delta-3")
    before = experience.ratio(ZSTD_3)
    experience.look(replace(FACTS, reference=ReferenceFacts(100_000, 0.9, Probe(0.01, 5.0))))
    experience.observe(delta, 1_000_000, 10_000, 0.01)
    assert experience.ratio(delta) < 0.02
    assert experience.ratio(ZSTD_3) == before


def test_every_candidate_of_a_transfer_is_known() -> None:
    experience = Experience()
    for action in CANDIDATES:
        if action in TRANSFER and action != NONE:
            assert experience.s_per_byte(action) > 0
            experience.observe(action, 0, 0, 0.0)
            experience.observe(action, 100, 90, 0.0)
    assert experience.cost_s(NONE, Resources(8, 1)) == pytest.approx(1e-6)
    assert cheapest(experience, [], Resources(8, 1)) == NONE
