"""The same files sent in several ways, side by side, and once more after a small edit."""

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from dwcp.cli.demo.transfer.files import Edit, Laid, difference, edit, lay_out
from dwcp.cli.demo.transfer.pair import Program, Start, carry
from dwcp.cli.demo.transfer.route import Route, open_route
from dwcp.cli.demo.transfer.tidying import held_back, tidy
from dwcp.errors import ArtifactNotFoundError, DwcpError, TransferError
from dwcp.registry import Registry
from dwcp.simulate.shaped_link import LinkShape
from dwcp.task import Progress
from dwcp.tasks.compression.task import TASK

__all__ = ["BUDGET_S", "Run", "Transferred", "Way", "transfer"]

BUDGET_S = 20.0
"""All transfers together. A process that does not end when asked to has two seconds more."""

# -P: a file in the working directory must not stand in for a module of the same name.
_DWCP = (sys.executable, "-P", "-m", "dwcp.cli.app", "--quiet")
_FOLDER = "files"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to send.

    Attributes:
        title: who chooses the codec.
        verb: the command.
        options: of it.
    """

    title: str
    verb: Literal["send", "sync"]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One transfer.

    Attributes:
        way: how.
        seconds: from the first connection until the receiver said that all is in place.
        plain_bytes: of the source.
        wire_bytes: sent, as the sender counts them.
        link_bytes: that the link carried, both ways, with headers; None for loopback.
        files_written: at the receiver, new or changed.
        files_kept: that the receiver had.
        codecs: plain bytes that each codec took, most first.
        problem: what went wrong, or how the copy differs; empty when it is exact.
    """

    way: Way
    seconds: float = 0.0
    plain_bytes: int = 0
    wire_bytes: int = 0
    link_bytes: int | None = None
    files_written: int = 0
    files_kept: int = 0
    codecs: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


@dataclass(slots=True)
class Transferred:
    """What came of the transfers.

    Attributes:
        shape: of the link; None for loopback.
        why_loopback: why there is no link, in a few words.
        laid: what was sent.
        copies: the same files, in several ways.
        edited: what was edited after that.
        update: how the first copy was brought up to date; None where it was not tried.
        left_out: what was not tried because the time would hardly have sufficed.
        problem: what kept transfers from being tried; empty when nothing did.
    """

    shape: LinkShape | None = None
    why_loopback: str = ""
    laid: Laid = field(default_factory=Laid)
    copies: list[Run] = field(default_factory=list)
    edited: Edit = field(default_factory=Edit)
    update: Run | None = None
    left_out: list[Way] = field(default_factory=list)
    problem: str = ""

    @property
    def runs(self) -> list[Run]:
        """Every transfer that was tried."""
        return self.copies if self.update is None else [*self.copies, self.update]

    @property
    def problems(self) -> list[str]:
        """What went wrong, a sentence each."""
        failed = [f"{run.way.verb}, {run.way.title}: {run.problem}" for run in self.runs if run.problem]
        return [*failed, self.problem] if self.problem else failed


def transfer(
    paths: Mapping[str, Path],
    registry: Registry,
    clock: Callable[[], float],
    progress: Progress,
    start: Start = Program,
) -> Transferred:
    """Send files from one process to another; whatever goes wrong is told in what is returned.

    Args:
        paths: files to send copies of, by the name (``folder/name``) that each gets.
        registry: where the model is.
        clock: seconds that only go forward.
        progress: told the share done and a few words.
        start: starts a process.
    """
    done, until_s = Transferred(), clock() + BUDGET_S
    try:
        with tidy() as stack:
            with held_back():
                work = Path(stack.enter_context(TemporaryDirectory(prefix="dwcp-demo-")))
            progress(0.0, "copying files")
            done.laid = lay_out(paths, work / _FOLDER)
            if not done.laid.files:
                raise TransferError("none of the files kept aside can be read any more")
            route = open_route(stack)
            done.shape, done.why_loopback = route.shape, route.why
            transfers = _Transfers(work, route, clock, until_s, start)
            _send_all(done, transfers, _ways(registry), progress)
    except (DwcpError, OSError) as error:
        done.problem = str(error)
    return done


def _ways(registry: Registry) -> list[Way]:
    """The selector, where there is a champion, no compression, and the rule; what tells most comes first."""
    raw, rule = Way("not compressed", "send", ("--codec", "none")), Way("fallback", "send", ("--no-model",))
    try:
        champion = registry.aliases(TASK.name).get("champion")
    except ArtifactNotFoundError:
        champion = None
    if champion is None:
        return [rule, raw]
    return [Way(f"selector {champion}", "send", ("--registry", str(registry.root.resolve()))), raw, rule]


def _send_all(done: Transferred, transfers: "_Transfers", ways: list[Way], progress: Progress) -> None:
    update = replace(ways[0], verb="sync")
    for place, way in enumerate(ways):
        progress(place / (len(ways) + 1), way.title)
        # The third copy is the first thing to do without: the update tells more.
        if transfers.has_time(1 if place < 2 else 2):
            done.copies.append(transfers.run(way, f"copy-{place}"))
        else:
            done.left_out.append(way)
        if place:
            transfers.forget(f"copy-{place}")
    progress(len(ways) / (len(ways) + 1), "after an edit")
    if not transfers.has_time(1):
        done.left_out.append(update)
    elif not done.copies[0].problem:
        done.edited = edit(transfers.source)
        done.update = transfers.run(update, "copy-0")
    progress(1.0, "compared")


class _Transfers:
    """Transfers of one folder in processes of their own, with keys and state that are thrown away."""

    def __init__(
        self, work: Path, route: Route, clock: Callable[[], float], until_s: float, start: Start
    ) -> None:
        self.source = work / _FOLDER
        self._work, self._route, self._start = work, route, start
        self._clock, self._until_s, self._longest_s = clock, until_s, 0.0

    def has_time(self, number: int) -> bool:
        """Whether so many more are likely to be over in time."""
        return self._clock() + number * self._longest_s <= self._until_s

    def run(self, way: Way, name: str) -> Run:
        """Run one and compare the folders.

        Args:
            way: how to send.
            name: of the destination.
        """
        begun_s = self._clock()
        try:
            return self._run(way, self._work / name, self._work / f"{name}-{way.verb}")
        except (DwcpError, OSError) as error:
            return Run(way, problem=str(error))
        finally:
            self._longest_s = max(self._longest_s, self._clock() - begun_s)

    def forget(self, name: str) -> None:
        """Remove a destination."""
        shutil.rmtree(self._work / name, ignore_errors=True)

    def _run(self, way: Way, destination: Path, beside: Path) -> Run:
        home = beside / "home"
        home.mkdir(parents=True)
        dwcp = (*_DWCP, "--home", str(home))
        # What is thrown away at once need not be brought to disk.
        listen = ("--listen", f"{self._route.far.address}:0", "--once", "--no-durable", "--json")
        receive = (*dwcp, "receive", str(destination), *listen)
        send = (*dwcp, way.verb, *way.options, "--json", str(self.source))
        environment = {"DWCP_KEYS": str(self._work / "keys"), "XDG_STATE_HOME": str(beside / "state")}
        carried = self._route.carried_bytes()
        sent, _ = carry(self._route, receive, send, environment, beside / "said", self._until_s, self._start)
        if carried is not None:
            carried = (self._route.carried_bytes() or 0) - carried
        differs = difference(self.source, destination / _FOLDER)
        return Run(
            way,
            seconds=float(sent["seconds"]),
            plain_bytes=int(sent["plain_bytes"]),
            wire_bytes=int(sent["wire_bytes"]),
            link_bytes=carried,
            files_written=int(sent["files_written"]),
            files_kept=int(sent["files_kept"]),
            codecs=_most_first(sent["codecs"]),
            problem=f"what arrived differs: {differs}" if differs else "",
        )


def _most_first(codecs: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(codecs.items(), key=lambda item: (-item[1], item[0])))
