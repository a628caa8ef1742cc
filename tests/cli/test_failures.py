import errno
from datetime import UTC, datetime

import pytest
import typer

from dwcp import errors
from dwcp.cli.failures import EXIT_STATUSES, Status, explain, save_traceback
from dwcp.transfer.protocol import error_of, failure_of

ERRORS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_the_package_has_its_status_and_says_when_it_may_pass(kind):
    failure = explain(kind("what is wrong,\n and where"))
    assert failure.sentence.startswith("what is wrong, and where")
    assert failure.status == (2 if issubclass(kind, errors.InputError) else 1)
    assert ("may pass" in failure.sentence) == kind.retryable


@pytest.mark.parametrize(
    "error",
    [
        errors.StorageError.of(PermissionError(errno.EACCES, "Permission denied"), "x may not be written"),
        error_of(failure_of(errors.StorageError.of(FileNotFoundError(errno.ENOENT, "No such"), "x is gone"))),
        error_of(failure_of(errors.TransferRefusedError("x exists"))),
        error_of(failure_of(errors.AuthenticationError("another token"))),
    ],
)
def test_what_will_not_pass_by_itself_is_not_said_to(error):
    assert "may pass" not in explain(error).sentence


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (typer.BadParameter("not a number"), "invalid value: not a number", 2),
        (KeyboardInterrupt(), "interrupted", 130),
        (typer.Abort(), "interrupted", 130),
        (MemoryError(), "not enough memory", 1),
        (ModuleNotFoundError("no", name="torch"), "torch is not installed", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full", 1),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: permission denied", 1),
    ],
)
def test_what_can_be_expected_of_the_system_is_a_sentence(error, said, status):
    failure = explain(error)
    assert said in failure.sentence
    assert failure.status == status


@pytest.mark.parametrize(
    "error", [ValueError("x"), ModuleNotFoundError("no", name="dwcp.nothing"), KeyError(1)]
)
def test_a_fault_of_the_program_is_not_explained_away(error):
    assert explain(error) is None


def test_the_table_names_every_status():
    assert [status for status, _ in EXIT_STATUSES] == list(Status)


def test_a_traceback_is_kept_whole(tmp_path):
    try:
        raise ValueError("broken")
    except ValueError as error:
        file = save_traceback(error, tmp_path, ["models", "list"], datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert file.name.startswith("20260102T030405-")
    text = file.read_text()
    assert "['models', 'list']" in text
    assert text.rstrip().endswith("ValueError: broken")
