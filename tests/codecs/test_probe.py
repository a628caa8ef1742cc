import math
from dataclasses import fields
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.codecs import Lz4, Reference, Zstd
from dwcp.codecs.facts import BlockFacts, Probe, ProbeDepth
from dwcp.codecs.frame import unpack
from dwcp.codecs.probe import (
    RUN_S,
    Look,
    affordable_depth,
    affordable_look,
    looked_at,
    probe_block,
    run_blocks,
)

MIB = 1 << 20
NOISE = Random(1).randbytes(MIB)
TEXT = " ".join(Random(2).choices([f"word{n}" for n in range(200)], k=200_000)).encode()[:MIB]
STATISTICS = tuple(field.name for field in fields(BlockFacts) if field.name.endswith(("_bits", "_share")))
FIRST_SEEN = {
    "lz4_light": ProbeDepth.LIGHT,
    "lz4": ProbeDepth.LIGHT,
    "zstd_fast": ProbeDepth.MEDIUM,
    "zstd_strong": ProbeDepth.DEEP,
    "zstd_whole": ProbeDepth.DEEP,
}


def _statistics(block: bytes) -> dict[str, float]:
    facts = probe_block(block, ProbeDepth.STATISTICS)
    return {name: getattr(facts, name) for name in STATISTICS}


@pytest.mark.parametrize("depth", ProbeDepth)
def test_depth_says_what_is_looked_at(depth: ProbeDepth) -> None:
    facts = probe_block(TEXT, depth, Reference.of(TEXT))
    for name, first in FIRST_SEEN.items():
        assert (getattr(facts, name) is not None) == (depth >= first), name
    assert facts.reference is not None, "a reference is always looked for"
    assert (facts.reference.delta is not None) == (depth >= ProbeDepth.MEDIUM)
    assert not facts.reference.made_up
    assert facts.block_bytes == MIB
    assert facts.probe_ms > 0


def test_statistics_do_not_depend_on_the_depth() -> None:
    seen = [probe_block(TEXT, depth) for depth in ProbeDepth]
    for name in STATISTICS:
        assert len({getattr(facts, name) for facts in seen}) == 1


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (bytes(MIB), (0, 0, 0, 1, 0, 1)),
        (b"a" * MIB, (0, 0, 0, 0, 1, 1)),
        (b"ab" * (MIB // 2), (1, 1, 0, 0, 1, 0)),
        (bytes(range(256)) * (MIB // 256), (8, 0, 0, 1 / 256, 98 / 256, 0)),
        (NOISE, (7.99, 7.99, 7.99, 1 / 256, 98 / 256, 1 / 256)),
        (b"\0\xff" * (MIB // 2), (1, 1, 0, 0.5, 0, 0)),
    ],
    ids=["zeros", "one letter", "two letters", "ramp", "noise", "on and off"],
)
def test_statistics_of_known_buffers(block: bytes, expected: tuple[float, ...]) -> None:
    assert list(_statistics(block).values()) == pytest.approx(expected, abs=0.02)


def test_entropy_is_that_of_the_shares_in_the_sample() -> None:
    block = (b"a" * 8 + b"b" * 4 + b"c" * 2 + b"d" * 2) * (MIB // 16)
    assert _statistics(block)["entropy_bits"] == pytest.approx(1.75, abs=0.001)


def test_samples_are_spread_over_the_whole_block() -> None:
    half = bytes(MIB // 2)
    for block in (half + NOISE[: MIB // 2], NOISE[: MIB // 2] + half):
        assert _statistics(block)["zero_share"] == pytest.approx(0.5, abs=0.05)
        facts = probe_block(block)
        for probe in (facts.lz4_light, facts.zstd_fast, facts.zstd_strong, facts.zstd_whole):
            assert probe is not None
            assert probe.ratio == pytest.approx(0.5, abs=0.1)


def test_probes_foretell_what_the_codecs_make_of_the_block() -> None:
    facts = probe_block(TEXT)
    for probe, codec, within in (
        (facts.lz4, Lz4(), 0.2),
        (facts.zstd_fast, Zstd(1), 0.2),
        (facts.zstd_strong, Zstd(9), 0.2),
        (facts.zstd_whole, Zstd(1), 0.02),
    ):
        assert probe is not None
        assert probe.ratio == pytest.approx(len(codec.encode(TEXT)) / MIB, rel=within)
        assert probe.ms_per_mib > 0
    noise = probe_block(NOISE)
    for probe in (noise.lz4_light, noise.lz4, noise.zstd_fast, noise.zstd_strong, noise.zstd_whole):
        assert probe is not None
        assert 1 <= probe.ratio < 1.01


def _whole(block: bytes) -> Probe:
    probe = probe_block(block).zstd_whole
    assert probe is not None
    return probe


@pytest.mark.parametrize("size", [5000, 200_000, MIB // 2])
def test_a_block_of_up_to_512_kib_is_tried_whole(size: int) -> None:
    block = TEXT[: size // 2] + NOISE[: size - size // 2]
    assert _whole(block).ratio == len(unpack(Zstd(1).encode(block))[1]) / size


def test_of_a_larger_block_the_512_kib_in_the_middle_are_tried() -> None:
    quarter = MIB // 4
    assert _whole(NOISE[:quarter] + bytes(2 * quarter) + NOISE[:quarter]).ratio < 0.01
    assert _whole(bytes(quarter) + NOISE[: 2 * quarter] + bytes(quarter)).ratio >= 1


@pytest.mark.parametrize("size", [0, 1, 2, 3, 31, 32, 64, 1023, 4096, 16384, 65537])
def test_small_blocks_are_looked_at_whole(size: int) -> None:
    for block in (NOISE[:size], TEXT[:size], bytes(size)):
        facts = probe_block(block, reference=Reference.of(TEXT))
        assert facts.block_bytes == size
        assert all(math.isfinite(getattr(facts, name)) for name in STATISTICS)
    if size:
        assert _statistics(bytes(size))["zero_share"] == 1
        assert _statistics(b"a" * size)["zero_share"] == 0


@settings(max_examples=100, deadline=None)
@given(block=st.binary(max_size=5000), older=st.none() | st.binary(max_size=5000))
def test_any_block_is_looked_at(block: bytes, older: bytes | None) -> None:
    facts = probe_block(block, reference=None if older is None else Reference.of(older))
    for name in STATISTICS:
        assert 0 <= getattr(facts, name) <= (8 if name.endswith("_bits") else 1)
    for name in FIRST_SEEN:
        assert getattr(facts, name).ratio > 0
    if facts.reference is not None:
        assert 0 <= facts.reference.same_share <= 1
        assert facts.reference.window_bytes == len(older or b"")


def _same_share(block: bytes, older: bytes) -> float:
    facts = probe_block(block, ProbeDepth.STATISTICS, Reference.of(older))
    assert facts.reference is not None
    return facts.reference.same_share


@pytest.mark.parametrize("shift", [0, 1, 100, 4097, 200_000])
def test_a_shifted_copy_is_the_same(shift: int) -> None:
    assert _same_share(NOISE, NOISE[MIB - shift :] + NOISE) == 1
    assert _same_share(NOISE[: MIB // 2], NOISE[:shift] + NOISE) == 1


def test_what_was_cut_off_or_replaced_is_missing() -> None:
    assert _same_share(NOISE, NOISE[: MIB // 2]) == pytest.approx(0.5, abs=0.05)
    changed = bytearray(NOISE)
    changed[MIB * 3 // 4 :] = bytes(MIB // 4)
    assert _same_share(NOISE, bytes(changed)) == pytest.approx(0.75, abs=0.05)
    assert _same_share(NOISE, Random(5).randbytes(MIB)) == 0


def test_one_copy_is_enough_to_find_the_shift() -> None:
    around_first_third = NOISE[: MIB // 2] + Random(6).randbytes(MIB // 2)
    around_second_third = Random(6).randbytes(MIB // 2) + NOISE[MIB // 2 :]
    for older in (around_first_third, around_second_third):
        assert _same_share(NOISE, older) == pytest.approx(0.5, abs=0.05)


def test_the_window_is_what_the_encoder_would_see() -> None:
    facts = probe_block(NOISE, reference=Reference.of(NOISE[:100_000]))
    assert facts.reference is not None
    assert facts.reference.window_bytes == 100_000


def test_a_delta_of_known_bytes_is_next_to_nothing_and_of_others_is_everything() -> None:
    ratios = []
    for older in (NOISE, Random(5).randbytes(MIB)):
        reference = probe_block(NOISE, ProbeDepth.MEDIUM, Reference.of(older)).reference
        assert reference is not None
        assert reference.delta is not None
        assert reference.delta.ms_per_mib > 0
        ratios.append(reference.delta.ratio)
    assert ratios[0] < 0.01
    assert ratios[1] == pytest.approx(1, abs=0.01)


def test_a_reference_too_short_to_use_is_none() -> None:
    assert probe_block(TEXT, reference=Reference.of(b"short")).reference is None
    assert probe_block(TEXT).reference is None


def test_faster_links_afford_less() -> None:
    depths = [affordable_depth(10.0**power) for power in range(-3, 9)]
    assert all(slower >= faster for slower, faster in pairwise(depths))
    assert depths[0] is ProbeDepth.DEEP
    assert depths[-1] is ProbeDepth.STATISTICS


@pytest.mark.parametrize(
    ("most_mbps", "depth", "next_depth"),
    [
        (2000.0, ProbeDepth.DEEP, ProbeDepth.MEDIUM),
        (12_000.0, ProbeDepth.MEDIUM, ProbeDepth.LIGHT),
        (50_000.0, ProbeDepth.LIGHT, ProbeDepth.STATISTICS),
    ],
)
def test_each_depth_ends_at_its_bandwidth(
    most_mbps: float, depth: ProbeDepth, next_depth: ProbeDepth
) -> None:
    assert affordable_depth(most_mbps) is depth
    assert affordable_depth(math.nextafter(most_mbps, math.inf)) is next_depth


@pytest.mark.parametrize(
    ("mbps", "block_bytes", "blocks"),
    [
        (1.0, MIB, 1),
        (100.0, MIB, 23),
        (1000.0, MIB, 238),
        (100.0, 65536, 381),
        (1e6, 4096, 1024),
        (10.0, 0, 1024),
    ],
)
def test_a_run_is_two_seconds_of_the_link(mbps: float, block_bytes: int, blocks: int) -> None:
    assert run_blocks(mbps, block_bytes) == blocks


@given(mbps=st.floats(1e-3, 1e8), block_bytes=st.integers(0, 1 << 40))
def test_a_run_is_a_moment_of_the_link(mbps: float, block_bytes: int) -> None:
    blocks = run_blocks(mbps, block_bytes)
    assert blocks >= 1
    assert blocks == 1 or blocks * block_bytes <= mbps * 1e6 / 8 * RUN_S
    assert run_blocks(mbps * 2, block_bytes) >= blocks
    assert run_blocks(1e12, 4096) == run_blocks(1e15, 4096), "a run has an end"


@pytest.mark.parametrize(
    ("blocks", "places"),
    [
        (1, [0]),
        (2, [0, 1]),
        (4, [0, 1, 2, 3]),
        (5, [0, 1, 2, 3]),
        (8, [0, 2, 4, 6]),
        (1024, [0, 256, 512, 768]),
    ],
)
def test_four_blocks_of_a_run_are_looked_at(blocks: int, places: list[int]) -> None:
    assert looked_at(blocks) == places


@given(blocks=st.integers(1, 1 << 40), most=st.integers(1, 8))
def test_blocks_looked_at_are_spread_evenly_over_the_run(blocks: int, most: int) -> None:
    places = looked_at(blocks, most)
    assert len(looked_at(blocks)) == min(blocks, 4)
    assert len(places) == min(blocks, most)
    assert places[0] == 0
    assert all(0 <= place < blocks for place in places)
    steps = [after - before for before, after in pairwise([*places, blocks])]
    assert min(steps) >= 1, "sorted and distinct"
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(
    ("run_bytes", "look"),
    [
        (0, None),
        (3_700_000, None),
        (3_800_000, Look(ProbeDepth.STATISTICS, 1)),
        (5_100_000, Look(ProbeDepth.STATISTICS, 2)),
        (6_300_000, Look(ProbeDepth.LIGHT, 1)),
        (8_800_000, Look(ProbeDepth.MEDIUM, 1)),
        (27_000_000, Look(ProbeDepth.MEDIUM, 3)),
        (28_000_000, Look(ProbeDepth.DEEP, 1)),
        (103_000_000, Look(ProbeDepth.DEEP, 4)),
        (1 << 40, Look(ProbeDepth.DEEP, 4)),
    ],
)
def test_a_longer_run_affords_more(run_bytes: int, look: Look | None) -> None:
    assert affordable_look(1000.0, run_bytes) == look


@given(mbps=st.floats(1e-3, 1e8), run_bytes=st.integers(0, 1 << 40), more_bytes=st.integers(0, 1 << 40))
def test_a_look_stays_within_what_the_run_and_the_link_afford(
    mbps: float, run_bytes: int, more_bytes: int
) -> None:
    shorter, longer = (affordable_look(mbps, length) for length in (run_bytes, run_bytes + more_bytes))
    if shorter is None:
        return
    assert shorter.depth <= affordable_depth(mbps)
    assert 1 <= shorter.blocks <= 4
    assert longer is not None
    assert longer.depth >= shorter.depth
    assert longer.depth > shorter.depth or longer.blocks >= shorter.blocks


@pytest.mark.parametrize("mbps", [1.0, 10.0, 100.0, 1000.0, 2000.0, 5000.0, 10_000.0])
def test_a_run_of_full_length_is_looked_at_as_deeply_as_the_link_affords(mbps: float) -> None:
    look = affordable_look(mbps, round(mbps * 1e6 / 8 * RUN_S))
    assert look == Look(affordable_depth(mbps), 4)
