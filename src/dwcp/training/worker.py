"""The process that trains one task: ``python -m dwcp.training.worker DESCRIPTOR JOB FOLDER``.

Started by `dwcp.training.orchestrate`, which sets the number of threads in its environment before any library
is imported. It speaks on the given file descriptor, one JSON object a line: ``{"share", "words"}`` while it
works, then ``{"folder"}`` or ``{"failure"}``.
"""

import json
import os
import sys
from pathlib import Path
from typing import TextIO

from dwcp.errors import DwcpError
from dwcp.training.files import write_result
from dwcp.training.fit import train_task
from dwcp.training.jobs import Job, resolve_task

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Train the job, write its result, and return the exit status: 1 when it failed for a known reason.

    Args:
        arguments: the descriptor to speak on, the job as text, and the folder that holds the results.
    """
    descriptor, job, out = int(arguments[0]), Job.from_json(arguments[1]), Path(arguments[2])
    with os.fdopen(descriptor, "w", buffering=1, encoding="utf-8") as channel:
        try:
            folder = _train(job, out, channel)
        except DwcpError as error:
            _say(channel, failure=str(error))
            return 1
        _say(channel, folder=str(folder))
        return 0


def _train(job: Job, out: Path, channel: TextIO) -> Path:
    task = resolve_task(job.task)
    _say(channel, share=0.0, words="reading the data")
    cases, data = job.cases(task)
    result = train_task(
        task, cases, job.options, lambda share, words: _say(channel, share=share, words=words), data=data
    )
    return write_result(result, out / task.name)


def _say(channel: TextIO, **message: object) -> None:
    channel.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
