from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts, mean_facts

PROBES = ("lz4_light", "lz4", "zstd_fast", "zstd_strong", "zstd_whole")
SHARES = tuple(f.name for f in fields(BlockFacts) if f.name.endswith(("_bits", "_share")))
PROBE = st.builds(Probe, st.floats(1e-4, 1.1), st.floats(1e-3, 1e4))
REFERENCE = st.builds(
    ReferenceFacts, st.integers(64, 1 << 40), st.floats(0, 1), st.none() | PROBE, st.booleans()
)
FACTS = st.builds(
    BlockFacts,
    block_bytes=st.integers(0, 1 << 40),
    **{name: st.floats(0, 8 if name.endswith("_bits") else 1) for name in SHARES},
    **{name: st.none() | PROBE for name in PROBES},
    reference=st.none() | REFERENCE,
    probe_ms=st.floats(0, 1e3),
)
LOOKS = st.lists(FACTS, min_size=1, max_size=4)

LEFT = BlockFacts(
    1000,
    2.0,
    3.0,
    4.0,
    0.0,
    1.0,
    0.5,
    *[Probe(0.2, 1.0)] * 5,
    ReferenceFacts(500, 1.0, Probe(0.1, 2.0)),
    0.25,
)
RIGHT = BlockFacts(
    501, 6.0, 5.0, 4.0, 1.0, 0.0, 0.1, *[Probe(1.0, 4.0)] * 5, ReferenceFacts(101, 0.5, Probe(0.5, 4.0)), 1.0
)


@given(facts=FACTS)
def test_the_mean_of_one_look_is_itself(facts: BlockFacts) -> None:
    assert mean_facts([facts]) == facts


def test_the_mean_of_two_looks() -> None:
    mean = mean_facts([LEFT, RIGHT])
    assert mean.block_bytes == 750, "whole bytes"
    assert [getattr(mean, name) for name in SHARES] == pytest.approx([4, 4, 4, 0.5, 0.5, 0.3])
    for name in PROBES:
        probe = getattr(mean, name)
        assert (probe.ratio, probe.ms_per_mib) == pytest.approx((0.6, 2.5)), name
    assert mean.reference is not None
    assert mean.reference.delta is not None
    assert (mean.reference.window_bytes, mean.reference.same_share) == (300, 0.75)
    assert (mean.reference.delta.ratio, mean.reference.delta.ms_per_mib) == pytest.approx((0.3, 3.0))
    assert not mean.reference.made_up


@given(looks=LOOKS)
def test_the_time_of_looking_adds_up(looks: list[BlockFacts]) -> None:
    assert mean_facts(looks).probe_ms == pytest.approx(sum(look.probe_ms for look in looks))


@given(looks=LOOKS)
def test_a_mean_lies_between_what_was_seen(looks: list[BlockFacts]) -> None:
    mean = mean_facts(looks)
    for name in ("block_bytes", *SHARES):
        seen = [getattr(look, name) for look in looks]
        assert min(seen) - 1e-9 <= getattr(mean, name) <= max(seen) + 1e-9, name


@given(looks=LOOKS)
def test_a_probe_is_kept_only_where_all_looks_have_it(looks: list[BlockFacts]) -> None:
    mean = mean_facts(looks)
    for name in PROBES:
        everywhere = all(getattr(look, name) is not None for look in looks)
        assert (getattr(mean, name) is not None) == everywhere, name


@given(looks=LOOKS)
def test_a_reference_is_kept_only_where_all_looks_have_one(looks: list[BlockFacts]) -> None:
    mean = mean_facts(looks).reference
    seen = [look.reference for look in looks if look.reference is not None]
    assert (mean is not None) == (len(seen) == len(looks))
    if mean is not None:
        assert mean.made_up == any(reference.made_up for reference in seen), (
            "one made-up look taints the mean"
        )
        assert (mean.delta is not None) == all(reference.delta is not None for reference in seen)


@pytest.mark.parametrize("name", [*PROBES, "reference"])
def test_what_one_look_lacks_the_mean_lacks(name: str) -> None:
    mean = mean_facts([LEFT, replace(RIGHT, **{name: None}), LEFT])
    assert getattr(mean, name) is None
    assert all(getattr(mean, other) is not None for other in (*PROBES, "reference") if other != name)
