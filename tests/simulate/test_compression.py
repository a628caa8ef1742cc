import itertools
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.simulate.compression import CANDIDATES, KINDS, BlockTable, iterate_blocks, simulate_blocks
from dwcp.simulate.compression.codecs import CODEC_MODELS

PLAIN = [name for name in CANDIDATES if not name.startswith("delta")]
LEVELS = [
    "zstd--7",
    "zstd--3",
    "zstd--1",
    "zstd-1",
    "zstd-3",
    "zstd-6",
    "zstd-9",
    "zstd-12",
    "zstd-15",
    "zstd-19",
]
CLASSES = {
    "none": ["none"],
    "fast": ["lz4", "lz4hc-9", "snappy", "zstd--7", "zstd--3", "zstd--1"],
    "mid": ["zstd-1", "zstd-3"],
    "high": ["zstd-6", "zstd-9", "zstd-12", "zstd-15", "zstd-19"],
    "delta": ["delta-1", "delta-3", "delta-9", "delta-19"],
}


@pytest.fixture(scope="module")
def table() -> BlockTable:
    return simulate_blocks(20_000, CANDIDATES, _rng(7))


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _column(table: BlockTable, name: str) -> int:
    return table.candidates.index(name)


def _share(table: BlockTable, name: str) -> np.ndarray:
    return table.stored_bytes[:, _column(table, name)] / table.block_bytes


def _speed(table: BlockTable, name: str) -> np.ndarray:
    """MB/s."""
    return table.block_bytes / table.compress_ms[:, _column(table, name)] / 1000


def _of_kind(table: BlockTable, name: str) -> np.ndarray:
    return table.kind == [kind.name for kind in KINDS].index(name)


def test_same_seed_same_blocks_and_another_seed_others() -> None:
    first, again, other = (simulate_blocks(300, CANDIDATES, _rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.stored_bytes, again.stored_bytes, equal_nan=True)
    assert np.array_equal(first.compress_ms, again.compress_ms, equal_nan=True)
    assert np.array_equal(first.similarity, again.similarity)
    assert not np.array_equal(first.entropy_bits, other.entropy_bits)


def test_batches_are_the_table_in_pieces_of_bounded_size() -> None:
    batches = list(iterate_blocks(9_000, ["zstd-3"], _rng(3)))
    whole = simulate_blocks(9_000, ["zstd-3"], _rng(3))
    assert len(batches) > 1
    assert sum(len(batch) for batch in batches) == len(whole) == 9_000
    assert np.array_equal(np.concatenate([batch.stored_bytes for batch in batches]), whole.stored_bytes)
    assert np.array_equal(np.concatenate([batch.file_id for batch in batches]), whole.file_id)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 400),
    names=st.lists(st.sampled_from(CANDIDATES), min_size=1, unique=True),
)
def test_every_outcome_is_finite_and_in_range(seed: int, count: int, names: list[str]) -> None:
    table = simulate_blocks(count, names, _rng(seed))
    assert len(table) == count
    for index, name in enumerate(names):
        usable = table.has_reference if name.startswith("delta") else np.ones(count, bool)
        stored, plain = table.stored_bytes[:, index], table.block_bytes
        assert np.array_equal(np.isfinite(stored), usable)
        assert (stored[usable] >= 1).all()
        assert (stored[usable] <= plain[usable] + 13).all()
        assert np.array_equal(stored[usable], np.rint(stored[usable]))
        for times in (table.compress_ms[:, index], table.decompress_ms[:, index]):
            assert np.array_equal(np.isfinite(times), usable)
            assert (times[usable] > 0).all()
    assert ((table.entropy_bits >= 0) & (table.entropy_bits <= 8)).all()
    assert ((table.similarity >= 0) & (table.similarity <= 1)).all()
    assert (table.reference_bytes[~table.has_reference] == 0).all()
    for column in fields(table.latents):
        assert np.isfinite(getattr(table.latents, column.name)).all()
    assert (table.latents.structured_share >= -1e-12).all()


def test_higher_levels_store_less_and_take_longer(table: BlockTable) -> None:
    for lower, higher in itertools.pairwise(LEVELS):
        compressible = _share(table, "zstd-3") < 0.9
        assert np.median((_share(table, higher) / _share(table, lower))[compressible]) < 1.0
        assert np.mean((_speed(table, higher) < _speed(table, lower))[compressible]) > 0.7
    assert np.mean(_share(table, "zstd-19") <= _share(table, "zstd-1")) > 0.95


def test_lz4_is_faster_and_stores_more_than_zstd(table: BlockTable) -> None:
    compressible = _share(table, "zstd-3") < 0.9
    assert np.mean((_share(table, "lz4") > _share(table, "zstd-1"))[compressible]) > 0.95
    assert np.mean((_speed(table, "lz4") > _speed(table, "zstd-3"))[compressible]) > 0.95
    assert np.mean((_share(table, "lz4hc-9") < _share(table, "lz4"))[compressible]) > 0.9


def test_incompressible_blocks_stay_their_size_and_pass_fast(table: BlockTable) -> None:
    encrypted, source = _of_kind(table, "encrypted"), _of_kind(table, "source")
    for name in PLAIN:
        share = _share(table, name)[encrypted]
        assert ((share >= 0.999) & (share <= 1.001)).all(), name
    for name in ("lz4", "snappy", "zstd-1", "zstd-3"):
        assert np.median(_speed(table, name)[encrypted]) > 3 * np.median(_speed(table, name)[source]), name
    assert (table.entropy_bits[encrypted] > 7.9).all()


@pytest.mark.parametrize(
    ("kind", "codec", "ratio", "speed_mb_per_s"),
    [
        ("source", "lz4", 2.9, 629),
        ("source", "zstd--7", 2.56, 566),
        ("source", "zstd--1", 3.51, 471),
        ("database", "zstd--3", 1.30, 569),
        ("source", "zstd-3", 4.46, 320),
        ("source", "zstd-9", 5.08, 65),
        ("json", "zstd-1", 8.27, 930),
        ("database", "lz4", 1.28, 566),
        ("database", "zstd-3", 1.85, 193),
        ("executable", "zstd-19", 2.58, 6),
        ("text", "zstd-6", 7.38, 133),
    ],
)
def test_typical_figures_are_near_the_measured_anchors(
    table: BlockTable, kind: str, codec: str, ratio: float, speed_mb_per_s: float
) -> None:
    rows = _of_kind(table, kind) & (table.block_bytes == 1 << 20)
    assert np.median(1 / _share(table, codec)[rows]) == pytest.approx(ratio, rel=0.35)
    codecs = [model.name for model in CODEC_MODELS]
    on_reference_core = _speed(table, codec) * table.slowness[:, codecs.index(codec)]
    assert np.median(on_reference_core[rows]) == pytest.approx(speed_mb_per_s, rel=0.35)


def test_codecs_agree_about_a_block(table: BlockTable) -> None:
    logs = np.log([_share(table, name) for name in PLAIN if name != "none"])
    assert np.corrcoef(logs).min() > 0.9
    within_kind = _of_kind(table, "executable")
    assert np.corrcoef(logs[:, within_kind]).min() > 0.7
    entropy = np.corrcoef(table.entropy_bits, _share(table, "zstd-1"))[0, 1]
    assert entropy > 0.6


def test_blocks_of_a_file_resemble_each_other(table: BlockTable) -> None:
    log_share = np.log(_share(table, "zstd-3"))
    for kind in ("text", "database", "vm_image"):
        rows = np.flatnonzero(_of_kind(table, kind)[:-1] & (table.block_index[1:] > 0))
        other = _rng(0).permutation(rows)
        assert np.corrcoef(log_share[rows], log_share[rows + 1])[0, 1] > 0.6
        assert abs(np.corrcoef(log_share[rows], log_share[other])[0, 1]) < 0.25


def test_references_age(table: BlockTable) -> None:
    usable = table.has_reference & ~_of_kind(table, "encrypted")
    fresh, old = usable & (table.reference_age == 1), usable & (table.reference_age >= 4)
    assert table.similarity[fresh].mean() > table.similarity[old].mean() + 0.05
    gain = _share(table, "delta-3") / _share(table, "zstd-3")
    assert np.median(gain[fresh]) < np.median(gain[old])
    similar = usable & (table.similarity > 0.97)
    assert np.median(gain[similar]) < 0.1
    assert np.median(gain[usable & (table.similarity < 0.2)]) > 0.7


def test_longer_references_cost_time(table: BlockTable) -> None:
    usable = table.has_reference & (table.similarity > 0.95)
    ratio = table.reference_bytes / table.block_bytes
    for name in ("delta-1", "delta-3", "delta-9"):
        speed = _speed(table, name)
        assert np.median(speed[usable & (ratio == 4)]) < 0.7 * np.median(speed[usable & (ratio == 1)])


def test_hosts_differ_for_all_codecs_alike(table: BlockTable) -> None:
    rows = _of_kind(table, "encrypted")
    hosts = np.unique(table.host_id[rows])
    slow = np.array([np.log(table.slowness[rows & (table.host_id == host)]).mean(axis=0) for host in hosts])
    assert slow.std(axis=0).min() > 0.1
    assert np.corrcoef(slow.T).min() > 0.8


def test_calibration_is_the_hosts_own_and_foretells_its_blocks(table: BlockTable) -> None:
    calibration = table.calibration_ms_per_mib
    assert (calibration > 0).all()
    for host in np.unique(table.host_id):
        assert (np.ptp(calibration[table.host_id == host], axis=0) == 0).all()
    codecs = [model.name for model in CODEC_MODELS]
    for name in ("lz4", "zstd-1", "zstd-9"):
        slowness = np.log(table.slowness[:, codecs.index(name)])
        calibrated = np.log(calibration[:, _column(table, name)])
        assert np.corrcoef(slowness, calibrated)[0, 1] > 0.95
        assert (slowness - calibrated).std() < 0.1
    plain = [_column(table, name) for name in LEVELS]
    assert (np.diff(np.median(calibration[:, plain], axis=0)) > 0).all()


def test_no_class_dominates_and_each_has_its_place(table: BlockTable) -> None:
    bandwidth_mbps = np.exp(_rng(9).uniform(np.log(10), np.log(10_000), len(table)))
    cost_ms = table.stored_bytes * 8 / bandwidth_mbps[:, None] / 1000 + table.compress_ms
    best = np.array(table.candidates)[np.nanargmin(cost_ms, axis=1)]
    shares = {name: np.isin(best, members).mean() for name, members in CLASSES.items()}
    assert min(shares.values()) > 0.03, shares
    assert max(shares.values()) < 0.5, shares


def test_heavier_levels_win_on_slower_links(table: BlockTable) -> None:
    high = [_column(table, name) for name in CLASSES["high"]]
    none = _column(table, "none")
    won_high, won_none = [], []
    for bandwidth_mbps in (10, 100, 1_000, 10_000):
        best = np.nanargmin(table.stored_bytes * 8 / bandwidth_mbps / 1000 + table.compress_ms, axis=1)
        won_high.append(np.isin(best, high).mean())
        won_none.append((best == none).mean())
    assert won_high == sorted(won_high, reverse=True)
    assert won_none == sorted(won_none)
    assert won_high[0] > 0.15
    assert won_none[-1] > 0.4


def test_bad_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="at least one block"):
        simulate_blocks(0, ["none"], _rng(0))
    with pytest.raises(InputError, match="named once"):
        simulate_blocks(5, [], _rng(0))
    with pytest.raises(InputError, match="named once"):
        simulate_blocks(5, ["lz4", "lz4"], _rng(0))
    with pytest.raises(InputError, match="no codec 'brotli-4'; choose among none, lz4"):
        iterate_blocks(5, ["brotli-4"], _rng(0))


def test_files_are_as_long_as_wanted() -> None:
    for mean in (1.0, 4.0):
        batches = iterate_blocks(3000, ["none"], _rng(1), mean_blocks_a_file=mean)
        files = np.concatenate([batch.file_id for batch in batches])
        assert len(files) / len(np.unique(files)) == pytest.approx(mean, rel=0.15)
    for mean in (0.5, float("nan"), float("inf")):
        with pytest.raises(InputError, match="at least one block"):
            iterate_blocks(5, ["none"], _rng(0), mean_blocks_a_file=mean)
