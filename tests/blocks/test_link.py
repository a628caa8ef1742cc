import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.blocks import ID_BYTES, LINK_BYTES, FileLink, LinkKind
from dwcp.errors import InputError

SOME_ID = bytes(range(32))
LINKS = st.just(FileLink.empty()) | st.builds(
    FileLink,
    st.sampled_from([LinkKind.CHUNK, LinkKind.FILE]),
    st.binary(min_size=32, max_size=32),
    st.integers(1, 2**63 - 1),
)


@given(LINKS)
def test_a_link_comes_back_from_its_bytes(link: FileLink) -> None:
    assert FileLink.from_bytes(link.to_bytes(), link.size_bytes) == link
    assert FileLink.from_bytes(memoryview(link.to_bytes()), link.size_bytes) == link


def test_the_bytes_are_the_kind_and_the_id() -> None:
    assert FileLink(LinkKind.FILE, SOME_ID, 9).to_bytes() == b"\x01" + SOME_ID
    assert FileLink.empty().to_bytes() == b"\x02" + bytes(32)
    assert (ID_BYTES, LINK_BYTES) == (32, 33)


@pytest.mark.parametrize(
    ("kind", "link_id", "size"),
    [
        (LinkKind.CHUNK, SOME_ID, 0),
        (LinkKind.FILE, SOME_ID, 0),
        (LinkKind.EMPTY, bytes(32), 1),
        (LinkKind.EMPTY, SOME_ID, 0),
        (LinkKind.CHUNK, SOME_ID[:31], 5),
        (LinkKind.CHUNK, SOME_ID + b"x", 5),
        (LinkKind.CHUNK, SOME_ID, -1),
        (LinkKind.CHUNK, SOME_ID, 2**63),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(kind: LinkKind, link_id: bytes, size: int) -> None:
    with pytest.raises(InputError):
        FileLink(kind, link_id, size)


@pytest.mark.parametrize(
    "link", [b"", b"\x00" + SOME_ID[:31], b"\x00" + SOME_ID + b"x", b"\x03" + SOME_ID, b"\xff" + SOME_ID]
)
def test_bytes_that_are_no_link_are_refused(link: bytes) -> None:
    with pytest.raises(InputError, match="a file's link has 33 bytes"):
        FileLink.from_bytes(link, 5)
