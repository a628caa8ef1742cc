"""What `send` and `sync` have in common: the advisor, telemetry, progress, the last words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.cli.failures import Status
from dwcp.cli.interrupts import interruptible
from dwcp.cli.output import note, print_json, say
from dwcp.cli.progress import titled_progress
from dwcp.cli.session import Session
from dwcp.errors import ConnectionLostError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.serving import Advisor
    from dwcp.telemetry import RecordTaker
    from dwcp.transfer import Progress, Retry, SendOptions, SendResult

__all__ = ["carry_out"]

_INTERRUPTED = "interrupted; the same command goes on where it was"


def carry_out(
    session: Session,
    call: "Callable[..., SendResult]",
    path: Path,
    address: str,
    options: "SendOptions",
    *,
    registry: Path | None,
    model: bool,
    json: bool,
) -> None:
    """Do it, show how it goes, and say what came of it; exit status 3 where something was left out."""
    import platform

    import typer
    from msgspec.structs import replace

    from dwcp.cli.memory import tune_allocator
    from dwcp.transfer import Environment

    tune_allocator()
    if not (model and (registry or session.home / "registry").is_dir()):
        # Nobody knows codecs: no look at the data for it.
        options = replace(options, hints_after_s=inf)
    title = path.name or str(path)
    has_home = _is_home(session.home)
    with (
        interruptible(session, _INTERRUPTED),
        _advisor(session, registry, model) as advisor,
        _recorder(session, has_home) as recorder,
    ):
        state = session.home / "transfer" if has_home else _state_folder()
        environment = Environment(state=state, advisor=advisor, recorder=recorder, node_id=platform.node())
        with titled_progress(session) as show:
            result = call(
                path,
                address,
                options,
                environment=environment,
                progress=None if session.quiet else lambda now: show(title, _share(now), _words(now)),
                on_retry=lambda retry: note(session, _retry_words(retry)),
            )
    if json:
        print_json(_as_json(result))
    else:
        _tell(session, result)
    session.leaves_at_once = True
    if result.skipped:
        raise typer.Exit(Status.SHORT)


@contextmanager
def _advisor(session: Session, registry: Path | None, model: bool) -> "Iterator[Advisor | None]":
    """Forecasts, and the champion where there is one; else nobody: the transfer's own rules decide."""
    if not model:
        yield None
        return
    from dwcp.cli.late_advisor import LateAdvisors, late_forecasts, late_selector

    deadline_ms = session.settings.hint_deadline_ms
    if (registry or session.home / "registry").is_dir():
        found = partial(session.registry, registry)
        late = [late_forecasts(deadline_ms, found), late_selector(deadline_ms, found)]
    else:
        late = [late_forecasts(deadline_ms)]
    advisor = LateAdvisors(late)
    try:
        yield advisor
    except KeyboardInterrupt:
        # It may be loading still: nobody waits for that now.
        raise
    except BaseException:
        advisor.close()
        raise
    advisor.close()


@contextmanager
def _recorder(session: Session, wanted: bool) -> "Iterator[RecordTaker | None]":
    if not wanted:
        yield None
        return
    from dwcp.cli.late_recorder import LateRecorder

    recorder = LateRecorder(session.home)
    try:
        yield recorder
    except KeyboardInterrupt:
        recorder.close(hurried=True)
        raise
    except BaseException:
        recorder.close()
        raise
    recorder.close()
    if recorder.error is not None:
        note(session, f"telemetry was not written: {recorder.error}")


def _is_home(folder: Path) -> bool:
    """Whether it is a home, and not the folder of the same name in which a receiver keeps its own state."""
    return folder.is_dir() and not (folder / "staging").exists()


def _state_folder() -> Path:
    """Where the user's programs keep such things (XDG base directories)."""
    import os

    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "dwcp"


def _share(now: "Progress") -> float:
    return min(now.done_bytes / now.total_bytes, 1.0) if now.total_bytes else 0.0


def _retry_words(retry: "Retry") -> str:
    """What went wrong, without what to do about it: that is being done."""
    what = str(retry.error).partition(";")[0]
    lost = "connection lost: " if isinstance(retry.error, ConnectionLostError) else ""
    when = f" in {retry.wait_s:g} s" if retry.wait_s else ""
    return f"{lost}{what}; trying again{when} ({retry.number} of {retry.most})"


def _words(now: "Progress") -> str:
    left = "" if now.left_s is None else f", {now.left_s:,.0f} s left"
    streams = counted(now.streams, "stream")
    codec = f", {now.codec}" if now.codec else ""
    return f"{now.done_bytes / 1e6:,.0f} MB, {now.rate_mbps:,.0f} Mbit/s{codec}, {streams}{left}"


def _as_json(result: "SendResult") -> dict[str, object]:
    from msgspec.structs import asdict

    values = asdict(result)
    values["skipped"] = [{"path": path, "reason": reason} for path, reason in result.skipped]
    return values


def _tell(session: Session, result: "SendResult") -> None:
    rate = result.plain_bytes / 1e6 / max(result.seconds, 1e-9)
    written = counted(result.files_written, "file")
    say(
        f"{result.name} is in place: {written} written, {result.files_kept:,} kept"
        + (f", {result.files_deleted:,} removed" if result.files_deleted else "")
    )
    say(
        f"{result.plain_bytes / 1e6:,.1f} MB in {result.seconds:,.1f} s ({rate:,.0f} MB/s), "
        f"{result.wire_bytes / 1e6:,.1f} MB sent; root {result.content[:16]}"
    )
    for path, reason in result.skipped:
        note(session, f"left out: {path}: {reason}")
