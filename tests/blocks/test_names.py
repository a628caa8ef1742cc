import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.blocks import check_name
from dwcp.blocks.names import check_mode, check_mtime, check_size, check_target
from dwcp.errors import InputError


@pytest.mark.parametrize("name", [b"a", b"...", b".a", b" ", b"\xff\xfe", b"a\\b", b"x" * 255, b"\n"])
def test_a_name_is_any_one_component(name: bytes) -> None:
    check_name(name)


@pytest.mark.parametrize("name", [b"", b".", b"..", b"/", b"a/b", b"../a", b"a/", b"a\0", b"x" * 256])
def test_what_leads_out_of_its_directory_is_refused(name: bytes) -> None:
    with pytest.raises(InputError, match=r"^an entry('s name has 256 bytes| cannot be called)"):
        check_name(name)


@given(st.binary(max_size=300))
def test_a_name_that_is_taken_stays_in_its_directory(name: bytes) -> None:
    try:
        check_name(name)
    except InputError:
        return
    assert 1 <= len(name) <= 255
    assert name.split(b"/") == [name]
    assert name not in (b".", b"..")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_mode, [0, 0o644, 0o7777], [-1, 0o10000, 0o100644]),
        (check_mtime, [0, -1, -(2**63), 2**63 - 1], [2**63, -(2**63) - 1]),
        (check_size, [0, 1, 2**63 - 1], [-1, 2**63]),
        (check_target, [b"a", b"../../etc", b"/", b"x" * 4095], [b"", b"a\0b", b"x" * 4096]),
    ],
)
def test_what_is_said_of_an_entry_has_bounds(check, good, bad) -> None:
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(InputError):
            check(value)
