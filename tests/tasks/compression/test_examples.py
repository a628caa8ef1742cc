from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest

from dwcp.codecs import Codec, Reference, probe
from dwcp.codecs.facts import Probe
from dwcp.errors import InputError
from dwcp.simulate.compression import CANDIDATES as SIMULATED
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.examples import PROBES, iterate_simulated_blocks, simulated_blocks
from dwcp.tasks.compression.measure import MeasuredBlock, ReferenceKind

NAMES = [action.name for action in CANDIDATES]


@pytest.fixture(scope="module")
def blocks() -> list[MeasuredBlock]:
    return simulated_blocks(600, np.random.default_rng(4))


def test_the_simulator_knows_every_candidate() -> None:
    assert set(SIMULATED) == set(NAMES)


def test_probes_are_those_of_real_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    def note(codec: Codec, pieces: Sequence[memoryview], _reference: Reference | None = None) -> Probe:
        seen.append((codec.name, len(pieces[0]), len(pieces)))
        return Probe(1.0, 1.0)

    monkeypatch.setattr(probe, "_probe", note)
    probe.probe_block(bytes(4 << 20), reference=Reference.of(bytes(4 << 20)))
    assert seen == list(PROBES.values())


def test_the_same_seed_gives_the_same_blocks_one_by_one_or_together(blocks: list[MeasuredBlock]) -> None:
    assert list(iterate_simulated_blocks(600, np.random.default_rng(4))) == blocks
    assert simulated_blocks(600, np.random.default_rng(5)) != blocks


def test_any_number_is_made_as_it_is_asked_for() -> None:
    endless = iterate_simulated_blocks(10**12, np.random.default_rng(4))
    assert len(list(islice(endless, 20))) == 20


def test_none_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one block"):
        simulated_blocks(0, np.random.default_rng(4))


def test_blocks_are_measured_whole(blocks: list[MeasuredBlock]) -> None:
    assert len(blocks) == 600
    for block in blocks:
        reference = block.facts.reference
        assert (block.reference_kind is ReferenceKind.REAL) == (reference is not None)
        usable = [action for action in CANDIDATES if reference is not None or not action.use_reference]
        assert list(block.outcomes) == usable
        for outcome in block.outcomes.values():
            assert 1 <= outcome.stored_bytes <= block.facts.block_bytes + 13
            assert outcome.compress_ms > 0
            assert outcome.decompress_ms is not None
            assert outcome.decompress_ms > 0
        assert [name for name, _ in block.speed] == NAMES
        facts = block.facts
        probes = [facts.lz4_light, facts.lz4, facts.zstd_fast, facts.zstd_strong, facts.zstd_whole]
        if reference is not None:
            assert reference.window_bytes > 0
            assert not reference.made_up
            probes.append(reference.delta)
        for one in probes:
            assert one is not None
            assert 0 < one.ratio < 1.02
            assert one.ms_per_mib > 0


def test_a_few_blocks_show_many_kinds_of_files(blocks: list[MeasuredBlock]) -> None:
    few = blocks[:150]
    assert len({block.family for block in few}) > 20
    assert len({block.family.split("-")[0] for block in few}) > 8
    assert 0.3 < np.mean([block.facts.reference is not None for block in few]) < 0.7
    by_file = [block.offset_bytes for block in few if block.file == few[0].file]
    assert by_file == sorted(by_file)


def test_what_was_seen_before_tells_of_what_comes(blocks: list[MeasuredBlock]) -> None:
    by_name = {action.name: action for action in CANDIDATES}
    size = np.array([block.facts.block_bytes for block in blocks])

    def stored(name: str) -> np.ndarray:
        return np.array([block.outcomes[by_name[name]].stored_bytes for block in blocks]) / size

    pairs = (("lz4", "lz4"), ("zstd_fast", "zstd-1"), ("zstd_strong", "zstd-9"), ("zstd_whole", "zstd-1"))
    for fact, name in pairs:
        foretold = np.array([getattr(block.facts, fact).ratio for block in blocks])
        assert np.corrcoef(np.log(foretold), np.log(stored(name)))[0, 1] > 0.85
    tried_whole = size <= 512 * 1024
    whole, sampled = (
        np.array([getattr(b.facts, n).ratio for b in blocks]) for n in ("zstd_whole", "zstd_fast")
    )
    assert 0.5 < tried_whole.mean() < 1
    assert whole[tried_whole] == pytest.approx(stored("zstd-1")[tried_whole])
    assert (np.abs(sampled / stored("zstd-1") - 1)[tried_whole] > 0.01).any(), "a sample is not the block"
    entropies = [block.facts.difference_entropy_bits for block in blocks]
    assert np.corrcoef(entropies, stored("zstd-1"))[0, 1] > 0.4
    dense, sparse = (
        [b.facts.zero_share for b in blocks if b.file.startswith(kind)] for kind in ("text", "heap")
    )
    assert np.mean(dense) < 0.1 < np.mean(sparse)
