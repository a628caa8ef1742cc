"""What the screen and the page both tell of the transfers."""

from collections.abc import Mapping

from dwcp.cli.demo.transfer import MOST_FILE_BYTES, Run, Transferred, Way
from dwcp.cli.demo.writing import link_text, percent_text, seconds_text
from dwcp.words import bytes_text, counted

__all__ = ["HEADER", "edit_text", "left_out_row", "run_row", "sent_text"]

HEADER = ("transfer", "time", "sent", "on the link", "files", "codecs, by plain bytes", "compared")

_NAMED_CODECS = 3


def sent_text(done: Transferred) -> str:
    """What was sent, and over what."""
    rate = done.shape and done.shape.rate_mbps
    if rate:
        where = f"a link of {link_text(rate)} between two network namespaces of this machine"
    else:
        why = done.why_loopback
        where = f"loopback, for want of a link ({why}): what compressing saves on a link does not show there"
    size = f"{bytes_text(done.laid.plain_bytes)}; of a larger one its first {MOST_FILE_BYTES // 1_000_000} MB"
    files = counted(done.laid.files, "file")
    return f"{files} kept aside ({size}), sent from one process to another over {where}"


def edit_text(done: Transferred) -> str:
    """What was done to the files before the update."""
    files = counted(done.edited.files, "file")
    return f"before the sync, {done.edited.inserted_bytes:,} bytes were put into the middle of {files}"


def run_row(run: Run) -> tuple[str, ...]:
    """A row below `HEADER`."""
    if not run.wire_bytes:
        return _empty_row(run.way, _verdict(run))
    return (
        _title(run.way),
        seconds_text(run.seconds),
        bytes_text(run.wire_bytes),
        "–" if run.link_bytes is None else bytes_text(run.link_bytes),
        f"{run.files_written:,} of {run.files_written + run.files_kept:,}",
        _codecs_text(run.codecs),
        _verdict(run),
    )


def left_out_row(way: Way) -> tuple[str, ...]:
    """A row below `HEADER` of what was not tried."""
    return _empty_row(way, "no time")


def _empty_row(way: Way, verdict: str) -> tuple[str, ...]:
    return (_title(way), *("" for _ in HEADER[2:]), verdict)


def _title(way: Way) -> str:
    return f"{way.verb}, {way.title}"


def _verdict(run: Run) -> str:
    return "failed" if run.problem else "identical"


def _codecs_text(codecs: Mapping[str, int]) -> str:
    """The codecs that took most, most first."""
    whole = sum(codecs.values()) or 1
    named = list(codecs.items())[:_NAMED_CODECS]
    texts = [f"{name} {percent_text(size / whole)}" for name, size in named]
    if rest := whole - sum(size for _, size in named):
        texts.append(f"others {percent_text(rest / whole)}")
    return ", ".join(texts) if codecs else ""
