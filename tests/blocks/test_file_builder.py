import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.blocks import MAX_CHUNK_BYTES, ZERO_RUN_BYTES, FileBuilder, FileLink, FilePart, LinkKind, ZeroRun
from dwcp.errors import InputError

MIB = ZERO_RUN_BYTES
A, B = b"a" * 32, b"b" * 32


def test_a_file_of_nothing_is_empty() -> None:
    assert FileBuilder().finish() == FileLink.empty()


def test_a_file_of_one_chunk_needs_no_node(store) -> None:
    builder = FileBuilder(store.put)
    builder.chunks(A, [17])
    assert builder.finish() == FileLink(LinkKind.CHUNK, A, 17)
    assert store == {}


def test_a_file_of_one_zero_run_needs_a_node(store) -> None:
    builder = FileBuilder(store.put)
    builder.zeros(3 * MIB)
    link = builder.finish()
    assert (link.kind, link.size_bytes) == (LinkKind.FILE, 3 * MIB)
    assert list(store.parts(link)) == [ZeroRun(3 * MIB)]


def test_zeros_round_one_chunk_need_a_node(store) -> None:
    for order in ("before", "after"):
        builder = FileBuilder(store.put)
        if order == "before":
            builder.zeros(MIB)
        builder.chunks(A, [MIB])
        if order == "after":
            builder.zeros(MIB)
        link = builder.finish()
        assert link.kind is LinkKind.FILE
        assert set(store.parts(link)) == {ZeroRun(MIB), FilePart(MIB, A)}


@given(
    cuts=st.lists(st.integers(0, 40), max_size=5), zeros=st.lists(st.integers(1, 9), min_size=1, max_size=4)
)
def test_how_chunks_and_zeros_are_handed_over_does_not_matter(cuts: list[int], zeros: list[int]) -> None:
    ids = b"".join(bytes([n]) * 32 for n in range(40))
    whole, parts = FileBuilder(), FileBuilder()
    whole.chunks(ids, [MIB] * 40)
    whole.zeros(sum(zeros) * MIB)
    whole.chunks(A, [1])
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 40], strict=True):
        parts.chunks(ids[32 * begin : 32 * end], [MIB] * (end - begin))
    for length in zeros:
        parts.zeros(length * MIB)
    parts.chunks(A, (1,))
    assert parts.finish() == whole.finish()
    assert parts.size_bytes == whole.size_bytes == (40 + sum(zeros)) * MIB + 1


def test_order_lengths_and_ids_all_count() -> None:
    seen = set()
    for ids, lengths in [(A + B, [1, 2]), (B + A, [1, 2]), (A + B, [2, 1]), (A + A, [1, 2]), (A, [3])]:
        builder = FileBuilder()
        builder.chunks(ids, lengths)
        seen.add(builder.finish().id)
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("ids", "lengths"),
    [(A, []), (A, [1, 2]), (A[:31], [1]), (b"", [1]), (A, [0]), (A + B, [5, -1]), (A, [MAX_CHUNK_BYTES + 1])],
)
def test_chunks_that_cannot_be_are_refused(ids: bytes, lengths: list[int]) -> None:
    builder = FileBuilder()
    with pytest.raises(InputError):
        builder.chunks(ids, lengths)
    assert builder.finish() == FileLink.empty(), "what was refused left a trace"


@pytest.mark.parametrize("length", [0, -MIB, 1, MIB - 1, MIB + 1])
def test_zero_runs_are_whole_pages(length: int) -> None:
    with pytest.raises(InputError, match="a zero run begins at a multiple of 1048576 bytes"):
        FileBuilder().zeros(length)


def test_zero_runs_begin_at_a_page() -> None:
    builder = FileBuilder()
    builder.chunks(A, [MIB - 1])
    with pytest.raises(InputError, match="was given at 1048575"):
        builder.zeros(MIB)


def test_a_file_has_a_greatest_length() -> None:
    builder = FileBuilder()
    builder.zeros(2**63 - MIB)
    with pytest.raises(InputError, match="this one gets longer"):
        builder.zeros(MIB)
    with pytest.raises(InputError, match="this one gets longer"):
        builder.chunks(A, [MIB])
    builder.chunks(A, [MIB - 1])
    assert builder.finish().size_bytes == 2**63 - 1
