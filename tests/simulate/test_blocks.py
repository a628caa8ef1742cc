import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.simulate.compression import CANDIDATES, KINDS, BlockTable, simulate_blocks
from dwcp.simulate.compression.contents import Latents, mixture_entropy

PROBED = ["lz4", "snappy", "zstd-1", "zstd-3", "zstd-9"]


@pytest.fixture(scope="module")
def table() -> BlockTable:
    return simulate_blocks(8_000, CANDIDATES, np.random.default_rng(5))


def _ratio(table: BlockTable, name: str) -> np.ndarray:
    return table.block_bytes / table.stored_bytes[:, table.candidates.index(name)]


def test_a_block_is_its_row(table: BlockTable) -> None:
    row = int(np.flatnonzero(table.has_reference)[3])
    block = table.block(row)
    assert block.kind == KINDS[table.kind[row]].name
    assert block.block_bytes == table.block_bytes[row]
    assert set(block.outcomes) == set(CANDIDATES)
    for index, name in enumerate(CANDIDATES):
        assert block.outcomes[name].stored_bytes == table.stored_bytes[row, index]
        assert block.outcomes[name].compress_ms == table.compress_ms[row, index]
        assert block.outcomes[name].decompress_ms == table.decompress_ms[row, index]


def test_a_block_without_a_reference_has_no_delta(table: BlockTable) -> None:
    block = table.block(int(np.flatnonzero(~table.has_reference)[0]))
    assert not block.has_reference
    assert block.similarity == block.reference_age == block.reference_bytes == 0
    assert set(block.outcomes) == {name for name in CANDIDATES if not name.startswith("delta")}


def test_iteration_gives_every_block_in_order(table: BlockTable) -> None:
    some = table.rows(100, 130)
    assert [block.file_id for block in some] == table.file_id[100:130].tolist()
    assert next(iter(some)).outcomes == table.block(100).outcomes


@pytest.mark.parametrize("codec", PROBED)
def test_a_probe_foretells_the_block(table: BlockTable, codec: str) -> None:
    probe = table.probe(codec, 4096, 8)
    assert np.isfinite(probe.ratio).all()
    assert (probe.speed_mb_per_s > 0).all()
    assert np.corrcoef(np.log(probe.ratio), np.log(_ratio(table, codec)))[0, 1] > 0.85
    speed = table.block_bytes / table.compress_ms[:, table.candidates.index(codec)] / 1000
    assert np.corrcoef(np.log(probe.speed_mb_per_s), np.log(speed))[0, 1] > 0.7


def test_small_samples_see_fewer_matches(table: BlockTable) -> None:
    kinds = [kind.name for kind in KINDS]
    rows = np.isin(table.kind, [kinds.index(name) for name in ("text", "source", "log", "json")])
    small, large = (np.median(table.probe("zstd-3", size, 4).ratio[rows]) for size in (1024, 16_384))
    assert small < large < np.median(_ratio(table, "zstd-3")[rows])


def test_more_samples_tell_more_about_patchy_blocks(table: BlockTable) -> None:
    rows = table.kind == [kind.name for kind in KINDS].index("vm_image")
    truth = np.log(_ratio(table, "lz4")[rows])
    few, many = (np.log(table.probe("lz4", 4096, samples).ratio[rows]) for samples in (1, 16))
    assert np.abs(many - truth).mean() < 0.8 * np.abs(few - truth).mean()


def test_probes_of_the_same_samples_miss_the_same_things(table: BlockTable) -> None:
    errors = [
        np.log(table.probe(codec, 4096, 4).ratio) - np.log(_ratio(table, codec))
        for codec in ("lz4", "zstd-3")
    ]
    rows = table.kind == [kind.name for kind in KINDS].index("vm_image")
    assert np.corrcoef(errors[0][rows], errors[1][rows])[0, 1] > 0.7


def test_a_probe_is_the_same_each_time_and_for_one_block(table: BlockTable) -> None:
    probe = table.probe("zstd-1", 2048, 4)
    assert np.array_equal(probe.ratio, table.probe("zstd-1", 2048, 4).ratio)
    ratio, speed_mb_per_s = table.block(77).probe("zstd-1", 2048, 4)
    assert ratio == probe.ratio[77]
    assert speed_mb_per_s == probe.speed_mb_per_s[77]


def test_a_probe_of_the_whole_block_is_the_block(table: BlockTable) -> None:
    probe = table.probe("zstd-3", 1 << 30, 1)
    assert probe.ratio == pytest.approx(_ratio(table, "zstd-3"), rel=1e-9)


def test_a_delta_probe_foretells_the_delta(table: BlockTable) -> None:
    probe, usable = table.probe("delta-1", 65_536, 1), table.has_reference
    for figures in (probe.ratio, probe.speed_mb_per_s):
        assert np.array_equal(np.isnan(figures), ~usable)
    logs = np.log(probe.ratio[usable]), np.log(_ratio(table, "delta-1")[usable])
    assert np.corrcoef(*logs)[0, 1] > 0.85
    small, whole = (table.probe("delta-1", size, 1) for size in (4096, 1 << 30))
    assert whole.ratio[usable] == pytest.approx(_ratio(table, "delta-1")[usable], rel=1e-9)
    assert (small.speed_mb_per_s[usable] < whole.speed_mb_per_s[usable]).all(), "the whole window is indexed"


def test_a_delta_probe_takes_as_long_as_the_reference_is(table: BlockTable) -> None:
    probe, window = table.probe("delta-1", 65_536, 1), table.reference_bytes
    usable = table.has_reference & (table.similarity > 0.95)
    ms_per_mib = 1048.576 / probe.speed_mb_per_s
    assert np.corrcoef(np.log(ms_per_mib[usable]), np.log(window[usable]))[0, 1] > 0.9


def test_bad_probes_are_refused_in_a_sentence(table: BlockTable) -> None:
    with pytest.raises(InputError, match="no codec 'gzip'"):
        table.probe("gzip", 4096, 4)
    for sample_bytes, samples in ((63, 1), (4096, 0)):
        with pytest.raises(InputError, match="at least one sample of 64 bytes"):
            table.block(0).probe("lz4", sample_bytes, samples)


def _latents(zero: float, random: float, bits: float) -> Latents:
    one = np.ones(1)
    return Latents(zero * one, random * one, bits * one, bits * one, one, one, 8 * one, one)


@pytest.mark.parametrize(
    ("zero", "random", "bits", "entropy"),
    [(1.0, 0.0, 4.0, 0.0), (0.0, 1.0, 4.0, 8.0), (0.0, 0.0, 5.0, 5.0), (0.5, 0.0, 4.0, 3.0)],
)
def test_entropy_of_pure_mixtures(zero: float, random: float, bits: float, entropy: float) -> None:
    assert mixture_entropy(_latents(zero, random, bits), np.full(1, bits))[0] == pytest.approx(entropy)
