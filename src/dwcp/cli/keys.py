"""``dwcp keys``: who this side is, what both sides know, and whom this side trusts."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.errors import InputError, StorageError

if TYPE_CHECKING:
    from dwcp.transfer.security import KeyFolder

__all__ = ["keys"]

_MAX_BYTES = 1 << 20
_NameArgument = Annotated[str, typer.Argument(help="What the other side is called here.", show_default=False)]

keys = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Show, share and trust what protects transfers; made on first use.",
)


@keys.command()
def show(json: JsonFlag = False) -> None:
    """Show this side's fingerprint, where its keys lie, and whom it trusts.

    For example: dwcp keys show
    """
    from dwcp.transfer.security.identity import fingerprint_of

    folder = _folder()
    folder.ensure()
    trusted = {name: fingerprint_of(certificate) for name, certificate in folder.trusted().items()}
    if json:
        print_json({"fingerprint": folder.fingerprint, "folder": folder.path, "trusted": trusted})
        return
    say(f"fingerprint  {folder.fingerprint}")
    say(f"folder       {folder.path}")
    if trusted:
        print_table(("trusted", "fingerprint"), list(trusted.items()), frozenset())
    else:
        say("trusted      none: transfers use the token")


@keys.command()
def token(
    context: typer.Context,
    new: Annotated[
        bool, typer.Option("--new", help="Make a new one; the old one lets nobody in any more.")
    ] = False,
) -> None:
    """Print the token for the other side. Whoever has it may send here, and be sent to.

    For example: dwcp keys token
    """
    folder = _folder()
    say(folder.renew_token() if new else folder.token())
    note(session_of(context), "keep it secret; on the other side: dwcp keys set-token")


@keys.command()
def set_token(
    file: Annotated[
        Path, typer.Argument(help="A file with the token; - for standard input.", allow_dash=True)
    ] = Path("-"),
) -> None:
    """Take over the other side's token, from a file or standard input, so that no process list shows it.

    For example: dwcp keys set-token token.txt
    """
    if str(file) == "-" and sys.stdin.isatty():
        given = getpass.getpass("token: ")
    else:
        given = _read(file).decode("utf-8", "replace")
    folder = _folder()
    folder.set_token(given)
    say(f"the token is set in {folder.path}")


@keys.command()
def export(
    file: Annotated[
        Path,
        typer.Argument(help="The file to write; - for standard output.", show_default=False, allow_dash=True),
    ],
) -> None:
    """Write this side's certificate for others to trust. There is no secret in it.

    For example: dwcp keys export laptop.pem
    """
    folder = _folder()
    pem = folder.certificate_pem()
    if str(file) == "-":
        sys.stdout.write(pem)
        return
    try:
        with file.open("x", encoding="ascii") as out:
            out.write(pem)
    except FileExistsError as error:
        raise InputError(f"{file} stands already; name another file or remove it") from error
    except OSError as error:
        raise StorageError.of(
            error, f"{file} cannot be written ({error.strerror}); allow it or go elsewhere"
        ) from error
    say(f"{file} holds the certificate {folder.fingerprint}")


@keys.command()
def trust(
    name: _NameArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help="What dwcp keys export wrote there; - for standard input.",
            show_default=False,
            allow_dash=True,
        ),
    ],
) -> None:
    """Trust exactly this certificate. From then on transfers use certificates instead of the token.

    Compare the fingerprint with what dwcp keys show says on the other side.

    For example: dwcp keys trust server server.pem
    """
    fingerprint = _folder().trust(name, _read(file))
    say(f"{name} is trusted: {fingerprint}")


@keys.command()
def distrust(name: _NameArgument) -> None:
    """Trust a certificate no more.

    For example: dwcp keys distrust server
    """
    _folder().distrust(name)
    say(f"{name} is not trusted any more")


def _folder() -> "KeyFolder":
    from dwcp.transfer.security import KeyFolder

    return KeyFolder()


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(_MAX_BYTES)
        with file.open("rb") as opened:
            return opened.read(_MAX_BYTES)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); name a file that can") from error
