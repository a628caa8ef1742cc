"""The command itself: its options, and what it says in the end."""

from pathlib import Path
from typing import Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import complain, print_json, require_writable
from dwcp.cli.session import session_of

__all__ = ["demo"]


def demo(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders; Python, programs, documents and logs unless given."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long measuring may take.")] = 100.0,
    epochs: Annotated[
        int, typer.Option(min=1, max=1000, help="Passes over the data in training the network.")
    ] = 40,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure and train anew, even if an earlier run's work stands.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")] = False,
    json: JsonFlag = False,
) -> None:
    """Measure, train, judge, ask for hints and send, with real files of this machine, in a few minutes.

    Every codec is run on blocks of files that are found here (read, never changed). A model learns from most
    of them which codec is fastest for which data and link; the others are kept aside, and on those it is held
    against the best possible choice and against fixed rules. In the end those are sent from one process to
    another, over a link that is made for it where the machine allows. Run again, it goes on from what stands.

    For example: dwcp demo ~/data --seconds 60
    """
    from dwcp.cli.demo.figures import figures
    from dwcp.cli.demo.page import write_page
    from dwcp.cli.demo.run import run
    from dwcp.cli.demo.screen import show

    session = session_of(context)
    session.quiet = session.quiet or quiet
    page = session.home / "reports" / "demo.html"
    require_writable(page)
    done = run(session, paths or [], seconds, epochs, fresh=fresh)
    write_page(done, page, session.home_flag)
    if json:
        print_json({**figures(done), "report": page})
    else:
        show(done, page, session.home_flag)
    if done.transferred.problems:
        complain("; ".join(done.transferred.problems))
    if done.learned.failed or done.transferred.problems:
        raise typer.Exit(Status.FAILED)
