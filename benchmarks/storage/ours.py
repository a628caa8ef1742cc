"""Our store as a process of its own, so that its time and memory are measured as everybody's are."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dwcp.errors import DwcpError
from dwcp.serving import Hint, Reason
from dwcp.storage import FolderBackend, StorageHints, Store
from dwcp.tasks.dedup.contract import Outcome


class Outcomes:
    """An advisor that knows nothing, and remembers what came of the rule."""

    def __init__(self) -> None:
        self.tried = self.useless = self.asked = 0

    def ask(self, task_name: str, context: Any) -> Hint[Any]:  # noqa: ARG002
        """No hint."""
        return Hint(None, Reason.FALLBACK_NO_MODEL, 0.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:  # noqa: ARG002
        """Count what was tried."""
        if isinstance(outcome, Outcome):
            self.asked += 1
            self.tried += outcome.tried
            self.useless += outcome.useless


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__))
    commands = parser.add_subparsers(dest="command", required=True)
    begin, put, get = (commands.add_parser(name) for name in ("begin", "put", "get"))
    for command in (begin, put, get):
        command.add_argument("store", type=Path)
    put.add_argument("version", type=Path)
    put.add_argument("--alone", action="store_true")
    put.add_argument("--outcomes", type=Path, required=True)
    get.add_argument("number", type=int)
    get.add_argument("destination", type=Path)
    options = parser.parse_args(arguments)
    backend = FolderBackend(options.store)
    try:
        if options.command == "begin":
            Store.create(backend).close()
        elif options.command == "put":
            _put(backend, options)
        else:
            _get(backend, options)
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _put(backend: FolderBackend, options: argparse.Namespace) -> None:
    outcomes = Outcomes()
    with Store.open(backend) as store:
        if not options.alone:
            from dwcp.tasks.dedup.similar import similar_beside

            store.hints = StorageHints(outcomes, similar_beside(backend.local_folder))
        store.put(options.version, time_ns=len(store.snapshots()))
    with options.outcomes.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"tried": outcomes.tried, "useless": outcomes.useless}) + "\n")


def _get(backend: FolderBackend, options: argparse.Namespace) -> None:
    with Store.open(backend, is_writer=False) as store:
        store.restore(store.snapshots()[options.number].id, options.destination)
        inside = options.destination / "data"
        for path in inside.iterdir():
            path.rename(options.destination / path.name)
        inside.rmdir()


if __name__ == "__main__":
    sys.exit(main())
