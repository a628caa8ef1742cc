"""Telling of alarms as they come: lines, JSON for machines, a picture on a terminal, a webhook."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dwcp.cli.detect_events import Event, event_json, event_line, moment
from dwcp.cli.output import complain, print_json_line, say
from dwcp.cli.watch.webhook import Webhook

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["Teller", "telling"]

Rows = Sequence[Sequence[str]]


class Teller:
    """Says what happens, each thing once.

    Args:
        json: whether a machine reads it.
        live: a terminal's picture, where there is one.
        webhook: gets every event.
    """

    def __init__(self, *, json: bool, live: "Live | None" = None, webhook: Webhook | None = None) -> None:
        self._json, self._live, self._webhook = json, live, webhook
        self._state: tuple[str, ...] = ()

    def event(self, event: Event) -> None:
        """An episode began, still stands, or ended."""
        self._tell(event_json(event), event_line(event))
        if self._webhook:
            self._webhook.send(event_json(event))

    def status(self, kind: str, at_s: float, words: str) -> None:
        """The source or a member of it went away, came back, was started anew, or complains.

        Args:
            kind: ``away``, ``back``, ``restarted`` or ``complaint``.
            at_s: when.
            words: in one line.
        """
        told = {"event": kind, "at_s": at_s, "at": moment(at_s), "words": words}
        self._tell(told, f"{moment(at_s)} {kind}: {words}")
        if self._webhook and kind != "complaint":
            self._webhook.send(told)

    def complaints(self, at_s: float, told: tuple[str, ...]) -> None:
        """What the source complains of; nothing where that is what it said before."""
        for words in told:
            if words not in self._state:
                self.status("complaint", at_s, words)
        self._state = told

    def picture(self, title: str, header: Sequence[str], rows: Rows) -> None:
        """How things stand now; only on a terminal."""
        if self._live is not None:
            self._live.update(_table(title, header, rows), refresh=True)

    def end(self, told: Mapping[str, Any], words: str) -> None:
        """What there was, in all."""
        self._tell({"event": "done", **told}, words)

    def _tell(self, told: Mapping[str, Any], line: str) -> None:
        if self._json:
            print_json_line(told)
        elif self._live is not None:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)
            sys.stdout.flush()


@contextmanager
def telling(name: str, *, json: bool, webhook: str | None) -> Iterator[Teller]:
    """A teller; at the end the webhook gets what still waits.

    Args:
        name: of what is watched.
        json: whether a machine reads it.
        webhook: URL that gets every event.

    Raises:
        InputError: the webhook is no URL.
    """
    hook = Webhook(webhook, complain) if webhook else None
    try:
        if not json and sys.stdout.isatty():
            from rich.live import Live

            with Live(f"{name}: reading", transient=True, auto_refresh=False) as live:
                yield Teller(json=False, live=live, webhook=hook)
        else:
            yield Teller(json=json, webhook=hook)
    finally:
        if hook:
            hook.close()


def _table(title: str, header: Sequence[str], rows: Rows) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place > 1 else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return Group(Text(title), table)
