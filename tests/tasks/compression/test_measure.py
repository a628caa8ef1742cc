from pathlib import Path
from random import Random

import pytest

from dwcp.codecs import codec_named
from dwcp.errors import CorruptBlockError, InputError
from dwcp.tasks.compression import measure as measuring
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.measure import MeasuredBlock, MeasureOptions, ReferenceKind, measure
from dwcp.tasks.compression.sources import cut

QUICK = MeasureOptions(budget_ms=0.0, aged_share=0.0)
AGED = MeasureOptions(budget_ms=0.0, aged_share=1.0)
BLOCK_BYTES = 8192
WORDS = [f"word{number} " for number in range(50)]


def _text(seed: int, size: int) -> bytes:
    return "".join(Random(seed).choices(WORDS, k=size)).encode()[:size]


@pytest.fixture(autouse=True)
def no_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "calibrate", lambda: (("lz4", 1.5),))


def _measure(files: list[Path], options: MeasureOptions) -> list[MeasuredBlock]:
    return list(measure(list(cut(files, BLOCK_BYTES, None, by_folder=False)), options, lambda *_: None))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(_text(1, 2 * BLOCK_BYTES))
    return path


def test_every_candidate_is_measured_on_every_block(text: Path) -> None:
    blocks = _measure([text], QUICK)
    assert [(b.file, b.family, b.offset_bytes) for b in blocks] == [
        ("text.txt", "text.txt", 0),
        ("text.txt", "text.txt", BLOCK_BYTES),
    ]
    for block in blocks:
        assert block.reference_kind is ReferenceKind.NONE
        assert block.facts.reference is None
        assert list(block.outcomes) == [action for action in CANDIDATES if not action.use_reference]
        plain = text.read_bytes()[block.offset_bytes :][:BLOCK_BYTES]
        for action, outcome in block.outcomes.items():
            assert outcome.stored_bytes == len(codec_named(action.name).encode(plain))
            assert outcome.compress_ms > 0
            assert outcome.decompress_ms is not None
            assert outcome.decompress_ms > 0
        assert block.facts.zstd_strong is not None, "the deepest look"
        assert block.speed == (("lz4", 1.5),)


def test_a_codec_that_does_not_give_the_block_back_is_found_out(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Liar:
        def encode(self, plain: bytes, _reference: object) -> bytes:
            stored = bytearray(codec_named("none").encode(plain))
            stored[-1] ^= 1
            return bytes(stored)

    monkeypatch.setattr(measuring, "codec_named", lambda _name: Liar())
    with pytest.raises(CorruptBlockError):
        _measure([text], QUICK)


def test_a_previous_version_is_what_deltas_are_made_against(tmp_path: Path) -> None:
    old, new = tmp_path / "data_v1.bin", tmp_path / "data_v2.bin"
    plain = _text(2, 3 * BLOCK_BYTES)
    old.write_bytes(plain)
    new.write_bytes(plain[: BLOCK_BYTES + 50] + b"!" * 100 + plain[BLOCK_BYTES + 150 :])
    blocks = _measure([old, new], QUICK)
    changed = [block for block in blocks if block.file == "data_v2.bin"]
    assert [block.offset_bytes for block in changed] == [BLOCK_BYTES], "known blocks are left out"
    (block,) = changed
    assert block.reference_kind is ReferenceKind.REAL
    assert block.facts.reference is not None
    assert block.facts.reference.window_bytes == 3 * BLOCK_BYTES
    assert not block.facts.reference.made_up
    assert set(block.outcomes) == set(CANDIDATES)
    plainly, delta = (
        min(o.stored_bytes for a, o in block.outcomes.items() if a.use_reference == use)
        for use in (False, True)
    )
    assert delta < plainly / 2


def test_made_up_references_are_flagged(text: Path) -> None:
    blocks = _measure([text], AGED)
    assert len(blocks) == 2
    for block in blocks:
        assert block.reference_kind is ReferenceKind.AGED
        assert set(block.outcomes) == set(CANDIDATES)
        assert block.facts.reference is not None
        assert block.facts.reference.made_up


def test_no_reference_is_made_up_where_there_is_a_real_one(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"data_v{number}.bin").write_bytes(_text(number, BLOCK_BYTES))
    kinds = {block.file: block.reference_kind for block in _measure(sorted(tmp_path.iterdir()), AGED)}
    assert kinds == {"data_v1.bin": ReferenceKind.AGED, "data_v2.bin": ReferenceKind.REAL}


def test_made_up_versions_follow_the_seed(text: Path) -> None:
    def stored(seed: int) -> list[int]:
        options = MeasureOptions(budget_ms=0.0, aged_share=1.0, seed=seed)
        return [o.stored_bytes for block in _measure([text], options) for o in block.outcomes.values()]

    assert stored(1) == stored(1) != stored(2)


def test_a_file_that_has_gone_is_named(text: Path) -> None:
    sources = list(cut([text], BLOCK_BYTES, None, by_folder=False))
    text.unlink()
    with pytest.raises(InputError, match=r"text\.txt cannot be read: No such file"):
        list(measure(sources, QUICK, lambda *_: None))


def test_a_previous_version_that_has_gone_is_named(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"data_v{number}.bin").write_bytes(_text(number, BLOCK_BYTES))
    sources = list(cut(sorted(tmp_path.iterdir()), BLOCK_BYTES, None, by_folder=False))
    (tmp_path / "data_v1.bin").unlink()
    with pytest.raises(InputError, match=r"data_v1\.bin cannot be read"):
        list(measure(sources[1:], QUICK, lambda *_: None))


def test_a_file_that_has_shrunk_gives_the_blocks_it_still_has(text: Path) -> None:
    sources = list(cut([text], BLOCK_BYTES, None, by_folder=False))
    text.write_bytes(text.read_bytes()[: BLOCK_BYTES + 10])
    assert [b.offset_bytes for b in measure(sources, QUICK, lambda *_: None)] == [0]


def test_progress_is_told_from_start_to_end(text: Path) -> None:
    told: list[tuple[float, str]] = []
    list(measure(list(cut([text], BLOCK_BYTES, None, by_folder=False)), QUICK, lambda *a: told.append(a)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(words for _, words in told)
