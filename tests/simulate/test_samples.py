from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.simulate.compression import CANDIDATES, KINDS, BlockTable, simulate_blocks
from dwcp.simulate.compression.contents import Latents, draw_latents
from dwcp.simulate.compression.samples import STATISTICS_BYTES, ByteStatistics, sampled_statistics
from dwcp.simulate.compression.textures import TEXTURES, Textures, draw_textures

NAMES = [column.name for column in fields(ByteStatistics)]


@pytest.fixture(scope="module")
def table() -> BlockTable:
    return simulate_blocks(20_000, CANDIDATES[:1], np.random.default_rng(3))


def _median(table: BlockTable, kind: str, name: str) -> float:
    return float(np.median(getattr(table, name)[table.kind == [k.name for k in KINDS].index(kind)]))


def _pure(zero: float, random: float, blocks: int = 500) -> tuple[Latents, Textures]:
    one = np.ones(blocks)
    latents = Latents(zero * one, random * one, 4 * one, 4 * one, one, one, 8 * one, one)
    return latents, Textures(one, 1.5 * one, 0.1 * one, 0.6 * one, 0.2 * one)


def _look(latents: Latents, textures: Textures, size: float = 1 << 20) -> ByteStatistics:
    rng, blocks = np.random.default_rng(1), len(latents.near)
    return sampled_statistics(latents, textures, rng.standard_normal((blocks, 3)), np.full(blocks, size), rng)


def test_every_kind_has_a_texture() -> None:
    assert list(TEXTURES) == [kind.name for kind in KINDS]


def test_random_bytes_are_counted_as_16_kib_of_them_count() -> None:
    seen = _look(*_pure(0.0, 1.0))
    sample = np.random.default_rng(0).integers(0, 256, STATISTICS_BYTES)
    share = np.bincount(sample, minlength=256) / STATISTICS_BYTES
    counted = -(share * np.log2(share)).sum()
    for name in NAMES[:3]:
        assert getattr(seen, name) == pytest.approx(counted, abs=0.003)
    assert seen.zero_share == pytest.approx(1 / 256)
    assert seen.text_share == pytest.approx(98 / 256)
    assert seen.repeat_share == pytest.approx(1 / 256)


def test_zeros_are_zeros() -> None:
    seen = _look(*_pure(1.0, 0.0))
    for name in NAMES[:3]:
        assert (getattr(seen, name) == 0).all()
    assert (seen.zero_share == 1).all()
    assert (seen.repeat_share == 1).all()
    assert (seen.text_share == 0).all()


def test_structured_bytes_show_their_texture_and_no_two_looks_agree() -> None:
    seen = _look(*_pure(0.0, 0.0))
    expected = {"entropy_bits": 4, "difference_entropy_bits": 5, "stride_entropy_bits": 5.5}
    expected |= {"zero_share": 0.1, "text_share": 0.6, "repeat_share": 0.2}
    for name, value in expected.items():
        figures = getattr(seen, name)
        assert np.median(figures) == pytest.approx(value, rel=0.02)
        assert 0 < figures.std() < 0.1 * value


def test_a_look_at_a_patchy_block_is_off_by_more() -> None:
    even, patchy = _look(*_pure(0.0, 0.0)), _look(*_pure(0.4, 0.3))
    assert patchy.entropy_bits.std() > 2 * even.entropy_bits.std()
    whole = _look(*_pure(0.4, 0.3), size=STATISTICS_BYTES)
    assert whole.entropy_bits.std() < patchy.entropy_bits.std()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), files=st.integers(1, 40))
def test_statistics_are_in_range(seed: int, files: int) -> None:
    rng = np.random.default_rng(seed)
    kinds, lengths = rng.integers(len(KINDS), size=files), rng.integers(1, 9, size=files)
    latents = draw_latents(kinds, lengths, rng)
    textures = draw_textures(kinds, np.repeat(np.arange(files), lengths), rng)
    seen = _look(latents, textures)
    for name in NAMES:
        figures = getattr(seen, name)
        assert figures.shape == (lengths.sum(),)
        assert (figures >= 0).all()
        assert (figures <= (1 if name.endswith("share") else 8)).all()


@pytest.mark.parametrize(
    ("kind", "measured"),
    [
        ("text", (4.76, 6.18, 6.36, 0.0, 1.0, 0.04)),
        ("source", (4.66, 5.98, 6.23, 0.0, 1.0, 0.20)),
        ("json", (4.57, 5.69, 6.00, 0.0, 1.0, 0.22)),
        ("database", (6.33, 7.15, 7.25, 0.03, 0.81, 0.03)),
        ("media", (8.0, 8.0, 8.0, 0.004, 0.38, 0.004)),
        ("heap", (3.94, 4.56, 5.00, 0.53, 0.21, 0.48)),
        ("executable", (5.89, 6.91, 7.32, 0.26, 0.31, 0.16)),
    ],
)
def test_typical_statistics_are_near_the_measured_ones(
    table: BlockTable, kind: str, measured: tuple[float, ...]
) -> None:
    for name, value in zip(NAMES, measured, strict=True):
        assert _median(table, kind, name) == pytest.approx(value, abs=0.08 if value <= 1 else 0.45), name


def test_blocks_of_a_file_look_alike(table: BlockTable) -> None:
    rows = np.flatnonzero(table.block_index[1:] > 0)
    gap = table.difference_entropy_bits - table.entropy_bits
    for figures in (gap, table.text_share, table.repeat_share):
        assert np.corrcoef(figures[rows], figures[rows + 1])[0, 1] > 0.6
