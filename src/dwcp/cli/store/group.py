"""The commands of ``dwcp store``, in the order of the help."""

import typer

from dwcp.cli.store.caring import gc, passphrase, rebuild_index, stats
from dwcp.cli.store.filling import init, put
from dwcp.cli.store.forgetting import forget
from dwcp.cli.store.getting import get
from dwcp.cli.store.listing import ls
from dwcp.cli.store.verifying import verify

__all__ = ["store"]

store = typer.Typer(
    name="store",
    no_args_is_help=True,
    help="Keep versions of files and folders in a store, each block once, and get them back.",
)

for command in (init, put, get, ls, stats, verify, forget, gc, rebuild_index, passphrase):
    store.command()(command)
