import errno
from collections.abc import Iterator

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from dwcp import errors
from dwcp.errors import (
    ConnectionLostError,
    DwcpError,
    ProtocolError,
    SourceChangedError,
    StorageError,
    TransferError,
    TransferRefusedError,
)
from dwcp.transfer.protocol import ErrorCode, Failure, decode, encode, error_of, failure_of, shown
from dwcp.transfer.protocol.codes import _CODES, _ERRORS, _FINER
from dwcp.transfer.protocol.frames import HEADER_BYTES, FrameType
from dwcp.transfer.protocol.limits import MAX_SHOWN_TEXT, MAX_TEXT


def tree(kind: type[DwcpError] = DwcpError) -> Iterator[type[DwcpError]]:
    yield kind
    for derived in kind.__subclasses__():
        yield from tree(derived)


CLASSES = sorted(
    {kind for kind in tree() if kind.__module__ == errors.__name__}, key=lambda kind: kind.__name__
)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_raised_as_something_and_survives_the_way(code: ErrorCode) -> None:
    failure = failure_of(_ERRORS[code]("what is wrong"), code)
    assert failure.code == code.value
    assert decode(FrameType.ERROR, encode(failure)[HEADER_BYTES:]) == failure
    error = error_of(failure)
    assert type(error) is _ERRORS[code]
    assert error.retryable == failure.retryable
    assert str(error) == "the other side ended the session and says: what is wrong"


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_can_be_told(kind: type[DwcpError]) -> None:
    failure = failure_of(kind("what is wrong"))
    assert failure == Failure(failure.code, "what is wrong", kind.retryable)
    heard = error_of(failure)
    assert type(heard) is (kind if kind in _CODES and kind is not DwcpError else type(heard))
    assert isinstance(heard, TransferError) or isinstance(kind("x"), type(heard))


def test_every_code_can_be_said() -> None:
    finer = set(_FINER.values())
    said_by_name = {ErrorCode.VERSION, ErrorCode.BUSY, ErrorCode.STOPPED}
    assert set(_ERRORS) == set(ErrorCode) == set(_CODES.values()) | finer | said_by_name
    assert all(_ERRORS[fine] is _ERRORS[code] for (code, _), fine in _FINER.items())
    assert all(issubclass(_ERRORS[code], kind) or kind is DwcpError for kind, code in _CODES.items())


def caused(error: DwcpError, cause: Exception) -> DwcpError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause", "code"),
    [
        (StorageError("x"), OSError(errno.ENOSPC, "full"), ErrorCode.DISK_FULL),
        (StorageError("x"), OSError(errno.EDQUOT, "quota"), ErrorCode.DISK_FULL),
        (StorageError("x"), OSError(errno.EROFS, "read-only"), ErrorCode.STORAGE),
        (StorageError("x"), OSError("no number"), ErrorCode.STORAGE),
        (TransferRefusedError("x"), FileExistsError(errno.EEXIST, "there"), ErrorCode.REFUSED_EXISTS),
        (TransferRefusedError("x"), OSError(errno.ENAMETOOLONG, "long"), ErrorCode.REFUSED_NAME),
        (TransferRefusedError("x"), ValueError("x"), ErrorCode.REFUSED),
        (SourceChangedError("x"), OSError(errno.ENOSPC, "full"), ErrorCode.SOURCE_CHANGED),
    ],
)
def test_the_cause_tells_a_finer_code(error: DwcpError, cause: Exception, code: ErrorCode) -> None:
    assert failure_of(caused(error, cause)).code == code


def test_who_says_it_knows_best_whether_it_may_pass() -> None:
    for number in (errno.ENOSPC, errno.EIO):
        assert error_of(failure_of(StorageError.of(OSError(number, "x"), "x"))).retryable
    for number in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
        error = error_of(failure_of(StorageError.of(OSError(number, "x"), "x")))
        assert isinstance(error, StorageError)
        assert not error.retryable
    assert not error_of(Failure("authentication", "no", True)).retryable


def test_a_code_of_a_newer_version_keeps_whether_to_try_again() -> None:
    assert type(error_of(Failure("too_hot", "wait", True))) is ConnectionLostError
    assert type(error_of(Failure("too_cold", "no", False))) is TransferError
    assert "too_cold" in str(error_of(Failure("too_cold", "\n")))


def test_an_error_that_is_not_of_the_tree_is_said_as_the_nearest() -> None:
    class OwnError(ProtocolError):
        pass

    assert failure_of(OwnError("x")).code == ErrorCode.PROTOCOL


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain words, ünïcode too", "plain words, ünïcode too"),
        ("two\r\nlines\tand  blanks ", "two lines and blanks"),
        ("\x1b[2Jgone", "?[2Jgone"),
        ("turned \u202e round", "turned ? round"),
        ("\0\x7f\x9b\udc80", "????"),
        ("", ""),
    ],
)
def test_words_of_the_other_side_are_cleaned(text: str, clean: str) -> None:
    assert shown(text) == clean


@given(st.text())
def test_what_is_shown_is_printable_and_short(text: str) -> None:
    clean = shown(text * 20)
    assert clean.isprintable()
    assert len(clean) <= MAX_SHOWN_TEXT
    assert shown(clean) == clean


@given(st.text(max_size=50), st.integers(1, 200))
def test_any_error_can_be_sent(text: str, times: int) -> None:
    failure = failure_of(StorageError(text * times))
    assert len(failure.message) <= MAX_TEXT
    assert decode(FrameType.ERROR, encode(failure)[HEADER_BYTES:]) == failure


@given(st.builds(Failure, strategies.labels, strategies.texts, st.booleans()))
def test_any_failure_is_an_error_to_raise(failure: Failure) -> None:
    assert isinstance(error_of(failure), DwcpError)
