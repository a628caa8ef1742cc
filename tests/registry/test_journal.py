import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError, RegistryError
from dwcp.registry.journal import ALIASES, History, append, cut, new_entry, read_history


def entry(action="promote", alias="champion", version="1.0.0", **fields):
    given = {"now": 1.5, "who": "ada", "why": "better", "digest": "d", "previous": None}
    return new_entry(action=action, alias=alias, version=version, **(given | fields))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_a_journal_that_is_not_there_is_empty(path):
    assert read_history(path) == History()


def test_a_line_says_who_when_from_to_and_why(path):
    append(path, entry(previous="0.9.0", why="line\nbreak, \N{SNOWMAN}"))
    assert path.read_bytes() == (
        b'{"action":"promote","alias":"champion","digest":"d","from":"0.9.0","to":"1.0.0",'
        b'"when_s":1.5,"who":"ada","why":"line\\nbreak, \xe2\x98\x83"}\n'
    )


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))))
def test_round_trip(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    entries = tuple(entry(who=who, why=why, now=now) for who, why, now in lines)
    for line in entries:
        append(path, line)
    history = read_history(path)
    assert history.entries == entries
    assert not history.note


@given(st.data())
def test_a_torn_last_line_is_passed_over_and_mended(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    append(path, entry(version="1.0.0"))
    whole = path.read_bytes()
    line = entry(version="1.1.0", why="\r\n").line()
    path.write_bytes(whole + line[: data.draw(st.integers(1, len(line) - 1))])
    torn = read_history(path)
    assert [line.version for line in torn.entries] == ["1.0.0"]
    assert "torn" in torn.note
    append(path, entry(version="1.2.0"))
    mended = read_history(path)
    assert [line.version for line in mended.entries] == ["1.0.0", "1.2.0"]
    assert not mended.note
    assert path.read_bytes().startswith(whole)


@pytest.mark.parametrize("tail", [b"\0" * 9, b"\0" * 9 + b"\n", b"{}\n", b"a\rb", None])
def test_a_last_line_of_anything_counts_as_torn(path, tail):
    append(path, entry())
    if tail is None:
        tail = entry().line().replace(b"1.0.0", b"../..")
    path.write_bytes(path.read_bytes() + tail)
    assert len(read_history(path).entries) == 1
    assert "torn" in read_history(path).note
    append(path, entry(version="2.0.0"))
    assert read_history(path).aliases() == {"champion": "2.0.0"}


def test_damage_before_the_last_line_is_an_error_that_names_the_line(path):
    append(path, entry())
    path.write_bytes(b"damage\n" + path.read_bytes())
    with pytest.raises(RegistryError, match=r"line 1 of the journal .*journal.jsonl is not an entry"):
        read_history(path)


def test_a_journal_that_cannot_be_read_is_an_error(path):
    path.mkdir()
    with pytest.raises(RegistryError, match="cannot be read"):
        read_history(path)


def test_a_full_disk_leaves_the_file_as_it_was(path, monkeypatch):
    append(path, entry())
    before = path.read_bytes()
    real = os.write

    def half(handle, content):
        real(handle, content[:7])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="full"):
        append(path, entry(version="1.1.0"))
    assert path.read_bytes() == before


def test_a_line_can_be_taken_back(path):
    append(path, entry())
    before, size = path.read_bytes(), read_history(path).whole_bytes
    append(path, entry(version="1.1.0"))
    cut(path, size)
    assert path.read_bytes() == before


def test_aliases_are_what_the_lines_add_up_to():
    history = History(
        (
            entry("publish", None, "1.0.0"),
            entry("promote", "champion", "1.0.0"),
            entry("promote", "challenger", "1.1.0"),
            entry("promote", "champion", "1.1.0"),
            entry("promote", "champion", "1.2.0"),
            entry("rollback", "champion", "1.1.0"),
            entry("rollback", "challenger", None),
        )
    )
    assert history.aliases() == {"champion": "1.1.0"}
    assert history.held("champion") == ("1.0.0", "1.1.0")


@given(
    st.lists(st.tuples(st.sampled_from(ALIASES), st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]) | st.none()))
)
def test_aliases_equal_a_plain_model(moves):
    stacks = {alias: [] for alias in ALIASES}
    entries = []
    for alias, version in moves:
        if version is None and not stacks[alias]:
            continue
        if version is None:
            stacks[alias].pop()
        else:
            stacks[alias].append(version)
        now_held = stacks[alias][-1] if stacks[alias] else None
        entries.append(entry("rollback" if version is None else "promote", alias, now_held))
    history = History(tuple(entries))
    assert history.aliases() == {alias: stack[-1] for alias, stack in stacks.items() if stack}
    assert {alias: list(history.held(alias)) for alias in ALIASES} == stacks


def test_the_first_recorded_digest_of_a_version_counts():
    history = History((entry("publish", None, digest="first"), entry(digest="second")))
    assert history.digest_of("1.0.0") == "first"
    assert history.digest_of("2.0.0") is None
    assert history.versions() == {"1.0.0"}


@pytest.mark.parametrize("fields", [{"now": float("nan")}, {"who": "\udc80"}, {"why": "\udfff"}])
def test_what_cannot_be_written_down_is_refused(fields):
    with pytest.raises(InputError, match="cannot"):
        entry(**fields)
