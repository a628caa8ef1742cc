"""Training several tasks, each in a process of its own, some at a time.

One thread a library and one process a model: libraries that share cores slow each other down several times.
A process is started fresh, so its environment is set before anything is imported, and it speaks over a pipe
of its own, so one that dies in the middle of a word takes nothing with it. Results are files.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dwcp.errors import InputError, StorageError
from dwcp.training.jobs import Job

__all__ = ["JobResult", "TaskProgress", "train_all"]

TaskProgress = Callable[[str, float, str], None]
"""Called with the job's task, the share done (0 to 1) and a few words."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
_CHUNK_BYTES = 65536
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of one job.

    Attributes:
        task: the task as the job named it.
        folder: where the result lies, see `dwcp.training.read_draft`; None when it failed.
        failure: one sentence; empty when it did not fail.
    """

    task: str
    folder: Path | None
    failure: str = ""


def train_all(
    jobs: Sequence[Job], out: Path, *, parallel: int, progress: TaskProgress
) -> tuple[JobResult, ...]:
    """Train every job; one that fails, or is killed, stops no other.

    Args:
        jobs: what to train; each task once.
        out: the folder results go to, ``<out>/<task>/`` each, whole or not at all.
        parallel: how many processes at a time.
        progress: told of every job.

    Returns:
        One result a job, in the order of the jobs.

    Raises:
        InputError: ``parallel`` is below one, a task is named twice, or options cannot be written as JSON.
        StorageError: ``out`` may not be written.
        KeyboardInterrupt: passed on, once every process has ended.
    """
    if parallel < 1 or len({job.task for job in jobs}) != len(jobs):
        raise InputError("training takes at least one process at a time, and each task once")
    results: dict[str, JobResult] = {}
    waiting, running = deque(jobs), list[_Worker]()
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < parallel:
                    worker = _start(waiting.popleft(), out)
                    running.append(worker)
                    selector.register(worker.channel, selectors.EVENT_READ, worker)
                for key, _ in selector.select():
                    if not key.data.listen(progress):
                        selector.unregister(key.fd)
                        running.remove(key.data)
                        results[key.data.task] = key.data.result()
        finally:
            _stop(running)
    return tuple(results[job.task] for job in jobs)


@dataclass(slots=True, eq=False)
class _Worker:
    """A running process, the pipe it speaks on, and what it said last."""

    task: str
    process: subprocess.Popen[bytes]
    channel: int
    log: Path
    rest: bytes = b""
    folder: Path | None = None
    failure: str = ""

    def listen(self, progress: TaskProgress) -> bool:
        """Take in what has been said; False once the process has hung up."""
        chunk = os.read(self.channel, _CHUNK_BYTES)
        if not chunk:
            return False
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "share" in message:
                progress(self.task, message["share"], message["words"])
            elif "folder" in message:
                self.folder = Path(message["folder"])
            else:
                self.failure = message["failure"]
        return True

    def result(self) -> JobResult:
        """Wait for the process to end, and say what came of it."""
        os.close(self.channel)
        status = self.process.wait()
        if status == 0 and self.folder is not None:
            self.log.unlink(missing_ok=True)
            return JobResult(self.task, self.folder)
        if self.failure:
            self.log.unlink(missing_ok=True)
            return JobResult(self.task, None, self.failure)
        return JobResult(self.task, None, self._how_it_ended(status))

    def _how_it_ended(self, status: int) -> str:
        if status < 0:
            name = signal.Signals(-status).name
            return (
                f"the process that trained {self.task} was killed ({name}), often for want of memory; "
                f"nothing was written, try with fewer at a time or less data"
            )
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        why = f": {last}" if last else ""
        return f"the process that trained {self.task} ended with status {status}{why} (see {self.log})"


def _start(job: Job, out: Path) -> _Worker:
    log = out / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', job.task)}.log"
    text = job.to_json()
    listening, speaking = os.pipe()
    # -P: a file in the working directory must not stand in for a module of the same name.
    command = [sys.executable, "-P", "-m", "dwcp.training.worker", str(speaking), text, str(out.resolve())]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=_environment(job.options.threads),
                pass_fds=(speaking,),
                process_group=0,
            )
    except OSError as error:
        os.close(listening)
        raise StorageError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        os.close(speaking)
    return _Worker(job.task, process, listening, log)


def _environment(threads: int) -> dict[str, str]:
    """This process's environment and import path, with the threads held down and hashing repeatable."""
    held = dict.fromkeys(_THREAD_VARIABLES, str(threads)) | {"PYTHONHASHSEED": "0"}
    return os.environ | held | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _stop(workers: Iterable[_Worker]) -> None:
    """Ask every process to end, make those end that do not, and wait for all."""
    left = list(workers)
    for worker in left:
        worker.process.terminate()
    for worker in left:
        try:
            worker.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        os.close(worker.channel)
        worker.log.unlink(missing_ok=True)
