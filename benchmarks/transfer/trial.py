"""One transfer by one peer over one link: timed, weighed and compared."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shlex import quote

from benchmarks.transfer.link_use import Sample, Watch
from benchmarks.transfer.peers import Ends, Peer
from benchmarks.transfer.processes import Side, Usage, await_end, await_listening
from benchmarks.transfer.trees import Job, difference, lay_before

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import ShapedLink

_ports = count(20_000 + os.getpid() % 10_000)


@dataclass(frozen=True)
class Trial:
    """What became of one transfer.

    Attributes:
        wall_s: from the start of the sending command until the receiver has everything.
        sent_bytes: on the link, from the sending end.
        returned_bytes: on the link, from the receiving end.
        sender_cpu_s: user and system seconds of all processes of the sending end.
        receiver_cpu_s: the same of the receiving end.
        sender_mb: resident megabytes, at their peak.
        receiver_mb: the same of the receiving end.
        arrivals: moments since the start of the sending command, and bytes that had arrived by then.
        problem: what went wrong, or how the result differs; None when it is exact.
    """

    wall_s: float
    sent_bytes: int = 0
    returned_bytes: int = 0
    sender_cpu_s: float = 0.0
    receiver_cpu_s: float = 0.0
    sender_mb: float = 0.0
    receiver_mb: float = 0.0
    arrivals: tuple[Sample, ...] = ()
    problem: str | None = None


def run_trial(link: ShapedLink, peer: Peer, job: Job, work: Path, most_s: float) -> Trial:
    """Transfer into a fresh folder, and compare what arrived.

    Args:
        link: where.
        peer: how.
        job: what.
        work: an empty or missing folder on a file system in memory; it is removed afterwards.
        most_s: a transfer that takes longer is stopped.
    """
    shutil.rmtree(work, ignore_errors=True)
    destination = work / "destination"
    destination.mkdir(parents=True)
    lay_before(job, destination)
    words = _words(link, job, work, next(_ports))
    environment = {name: value.format_map(words) for name, value in peer.environment}
    try:
        _run(peer.prepare, words, environment)
        if job.before is not None:
            _run(peer.prepare_old, words, environment)
        trial = _timed(link, peer, words, environment, work, most_s)
        if trial.problem is None:
            _run(peer.unpack, words, environment)
            problem = difference(job.source, destination / peer.result)
            trial = Trial(**{**vars(trial), "problem": problem})
    except InputError as error:
        return Trial(0.0, problem=str(error))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return trial


def _words(link: ShapedLink, job: Job, work: Path, port: int) -> dict[str, str]:
    paths = {
        "destination": work / "destination",
        "work": work,
        "source": job.source,
        "parent": job.source.parent,
        "before": job.before or job.source,
    }
    return {
        **{name: quote(str(path)) for name, path in paths.items()},
        "address": link.far.address,
        "port": str(port),
        "verb": "send" if job.before is None else "sync",
    }


def _timed(
    link: ShapedLink,
    peer: Peer,
    words: Mapping[str, str],
    environment: Mapping[str, str],
    work: Path,
    most_s: float,
) -> Trial:
    receiver = Side(link.far, peer.receive.format_map(words), work / "receiver.log", environment)
    await_listening(receiver, int(words["port"]))
    before = link.near.sent_bytes(), link.far.sent_bytes()
    with receiver.devices() as table, Watch(table) as watch:
        started = time.monotonic()
        sender = Side(link.near, peer.send.format_map(words), work / "sender.log", environment)
        awaited = (sender, receiver) if peer.ends is Ends.BOTH else (sender,)
        in_time = await_end((sender, receiver), awaited, started + most_s)
    used = sender.stop(), receiver.stop()
    after = link.near.sent_bytes(), link.far.sent_bytes()
    problem = None if in_time else f"stopped after {most_s:g} s"
    return Trial(
        wall_s=max(side.reap().ended_s for side in awaited) - started,
        sent_bytes=after[0] - before[0],
        returned_bytes=after[1] - before[1],
        sender_cpu_s=round(used[0].cpu_s, 3),
        receiver_cpu_s=round(used[1].cpu_s, 3),
        sender_mb=used[0].resident_mb,
        receiver_mb=used[1].resident_mb,
        arrivals=tuple((moment - started, arrived) for moment, arrived in watch.samples),
        problem=problem or _failure(awaited),
    )


def _failure(awaited: tuple[Side, ...]) -> str | None:
    for side in awaited:
        used: Usage = side.reap()
        if used.status:
            return f"`{side.script}` ends with {used.status}: {side.words() or 'it printed nothing'}"
    return None


def _run(script: str, words: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Run what is not timed.

    Raises:
        InputError: it fails.
    """
    if not script:
        return
    ready = script.format_map(words)
    done = subprocess.run(
        ["bash", "-e", "-c", ready],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise InputError(f"`{ready}` ends with {done.returncode}: {done.stderr.strip()[-300:]}")
