"""The composition root: every command in one place, and what becomes of what they raise."""

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

import dwcp
from dwcp.cli.failures import EXIT_STATUSES, Status, explain, save_traceback
from dwcp.cli.interrupts import leave
from dwcp.cli.late_commands import LateGroup
from dwcp.cli.output import complain
from dwcp.cli.session import Session, session_of
from dwcp.cli.streams import hold_standard_streams
from dwcp.errors import SettingsError

__all__ = ["app", "main"]

_STATUSES = "; ".join(f"{status} {meaning}" for status, meaning in EXIT_STATUSES)

app = typer.Typer(
    name="dwcp",
    cls=LateGroup,
    epilog=f"Exit status: {_STATUSES}.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dwcp {dwcp.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings file, TOML or YAML.", show_default=False),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home", metavar="DIR", help="Folder of the registry, telemetry and tables; .dwcp unless set."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - the callback answers it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Move and store data faster by learning, without ever depending on having learned.

    The usual way: measure your files, train on the table, evaluate the model, ask for advice.

    For example: dwcp measure ~/data && dwcp train compression && dwcp advise big.tar --bandwidth-mbps 100
    """
    session = session_of(context)
    session.config, session.home_flag, session.quiet, session.debug = config, home, quiet, debug
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status. Nothing but `SystemExit` is ever raised.

    Args:
        arguments: the words after ``dwcp``; those of the process when None.
    """
    hold_standard_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    session = Session()
    try:
        status = get_command(app).main(given, prog_name="dwcp", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has enough. What is left in the buffer must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort: a sentence, no traceback
        return _failed(error, session, given)
    if status == Status.INTERRUPTED:
        complain(session.interrupted)
    if session.leaves_at_once and arguments is None:
        leave(int(status or 0))
    return int(status or 0)


def _failed(error: BaseException, session: Session, arguments: Sequence[str]) -> int:
    if session.debug:
        traceback.print_exception(error)
    failure = explain(error)
    if failure is not None:
        if failure.sentence:
            complain(failure.sentence)
        return failure.status
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    complain(f"a fault of the program ({what}); {_kept(error, session, arguments)}")
    return Status.FAILED


def _kept(error: BaseException, session: Session, arguments: Sequence[str]) -> str:
    try:
        home = session.home
    except SettingsError:
        home = Path(".dwcp")
    try:
        file = save_traceback(error, home, arguments, datetime.now(UTC))
    except OSError:
        return "the traceback could not be saved, run again with --debug to see it"
    return f"please report it with the traceback in {file}"


if __name__ == "__main__":
    sys.exit(main())
