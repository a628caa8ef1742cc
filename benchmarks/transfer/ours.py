"""Our own rows: as it comes, and with one thing changed at a time."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from shlex import quote

from benchmarks.transfer.links import Point
from benchmarks.transfer.peers import Ends, Peer
from benchmarks.transfer.trees import Job

PLAIN = "dwcp"
"""The row that is held against the others, which do not encrypt either."""
OLD_AT_HAND = "dwcp, old version at hand"
"""The row of a sender that still has the old version too."""
_PROGRAM = Path(sys.executable).with_name("dwcp")
_ROOT = Path(__file__).parents[2]
_STREAMS = (1, 4)
_FRESH = (
    ("DWCP_HOME", "{work}/home"),
    ("DWCP_KEYS", "{work}/keys"),
    ("XDG_STATE_HOME", "{work}/state"),
)
"""Nothing is remembered from run to run, or the second would not read the source again."""


@cache
def missing() -> str | None:
    """Why it cannot be measured, in a few words; None when it can."""
    if not _PROGRAM.exists():
        return f"{_PROGRAM} is not there: install the package first"
    words = [sys.executable, "-c", "import dwcp.transfer"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return f"it cannot be imported: {done.stderr.strip().splitlines()[-1]}" if done.returncode else None


def ours(point: Point, job: Job, home: Path) -> list[Peer]:
    """The rows for a link and a job, the one that is held against the others first.

    Args:
        point: the link, which the published formula is told of.
        job: what is sent; a reference needs an old version.
        home: folder with the models.
    """
    from dwcp.transfer.amst.formulas import published_streams

    told = published_streams(
        bandwidth_mbps=point.shape.rate_mbps or 10_000.0,
        latency_ms=point.shape.rtt_ms,
        packet_loss=point.shape.loss,
    )
    champion = _linked(home / "registry")
    rows = [
        _row(PLAIN, "--plain", champion, brief=True),
        _row("dwcp, TLS", "", champion, brief=True),
        _row("dwcp, no model", "--plain --no-model", brief=True),
        _NONSENSE,
        _row("dwcp, always zstd-3", "--plain --codec zstd-3"),
        *(
            _row(f"dwcp, {count} stream{'s' * (count > 1)}", f"--plain --streams {count}", champion)
            for count in _STREAMS
        ),
        _row(f"dwcp, published formula: {told} streams", f"--plain --streams {told}", champion),
    ]
    if job.changed:
        rows.append(_row(OLD_AT_HAND, "--plain --reference {before}", champion, brief=True))
    return rows


def is_ours(name: str) -> bool:
    """Whether a row is one of these."""
    return name.partition(",")[0] == PLAIN


def _linked(registry: Path) -> str:
    """A script that gives the sender the champion, where there is one."""
    if not registry.is_dir():
        return ""
    return f"mkdir {{work}}/home && ln -s {quote(str(registry.resolve()))} {{work}}/home/registry"


def _row(name: str, options: str, prepare: str = "", *, brief: bool = False) -> Peer:
    plain = " --plain" if "--plain" in options else ""
    return Peer(
        name,
        receive=f"exec {_PROGRAM} receive {{destination}} --listen {{address}}:{{port}} --once{plain}",
        send=f"exec {_PROGRAM} {{verb}} {{source}} {{address}}:{{port}} {options}",
        ends=Ends.BOTH,
        programs=(),
        prepare=prepare,
        environment=_FRESH,
        brief=brief,
    )


_NONSENSE = replace(
    _row("dwcp, nonsense hints", "--plain"),
    send=f"cd {quote(str(_ROOT))} && exec {quote(sys.executable)} -m benchmarks.transfer.nonsense"
    " {verb} {source} {address}:{port}",
)
