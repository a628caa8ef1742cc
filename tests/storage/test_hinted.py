"""Compressing as the advisor says."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from dwcp.serving import Hint, Reason
from dwcp.storage import MemoryBackend, StorageHints, Store
from dwcp.storage.hinted import sampled_entropy_bits
from dwcp.tasks.compression.contract import Action, Context, Outcome, action_named


class Advisor:
    """Says the same about every block; remembers what it was asked and told."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.asked: list[Context] = []
        self.told: list[tuple[Action, Outcome]] = []

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        if task_name != "compression":
            return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None)
        self.asked.append(context)
        return Hint(self.action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        assert (task_name, context) == ("compression", self.asked[-1]) or context in self.asked
        self.told.append((action, outcome))


@pytest.fixture
def words(tmp_path: Path) -> Path:
    file = tmp_path / "words"
    file.write_bytes(b" ".join(random.Random(1).choices([b"to", b"be", b"or", b"not"], k=200_000)))
    return file


@pytest.mark.parametrize(
    ("action", "codec"),
    [
        (action_named("lz4"), "lz4"),
        (action_named("zstd-9"), "zstd-9"),
        (action_named("none"), "none"),
        ("nonsense", "zstd-3"),
        (action_named("delta-3"), "zstd-3"),
        (None, "zstd-3"),
    ],
)
def test_a_hint_is_taken_where_it_can_be_carried_out(words: Path, action: Any, codec: str) -> None:
    advisor = Advisor(action)
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(advisor)
        snapshot_id = store.put(words, 0)
        chunks = {total.codec: total.plain_bytes for total in store.stats().codecs}
        assert max(chunks, key=lambda name: chunks[name]) == codec
        assert store.verify().is_clean
        assert snapshot_id
    assert 0 < len(advisor.asked) < store_chunks(words), "one question serves several chunks"
    assert {told.name for told, _ in advisor.told} == {codec}
    assert all(outcome.stored_bytes > 0 for _, outcome in advisor.told)
    assert 1 < advisor.asked[0].facts.entropy_bits < 4


def store_chunks(file: Path) -> int:
    with Store.create(MemoryBackend()) as store:
        store.put(file, 0)
        return store.stats().chunk_count


def test_with_learning_off_nobody_is_asked(words: Path) -> None:
    advisor = Advisor(action_named("lz4"))
    with Store.create(MemoryBackend()) as store:
        store.hints = StorageHints(advisor, enable_ml=False)
        store.put(words, 0)
        assert "lz4" not in {total.codec for total in store.stats().codecs}
    assert advisor.asked == []


def test_entropy_of_a_sample_is_that_of_the_whole() -> None:
    rng = random.Random(2)
    assert sampled_entropy_bits(b"") == 0
    assert sampled_entropy_bits(bytes(100_000)) == 0
    assert sampled_entropy_bits(rng.randbytes(100_000)) == pytest.approx(8, abs=0.03)
    mixed = bytes(rng.choices(range(4), (0.5, 0.25, 0.125, 0.125), k=100_000))
    assert sampled_entropy_bits(mixed) == pytest.approx(1.75, abs=0.05)
    assert sampled_entropy_bits(b"ab") <= 1 + 1 / (4 * math.log(2))
