"""Send with an advisor whose every hint is nonsense: slower it may be, wrong it may not.

Run: ``python -m benchmarks.transfer.nonsense send|sync PATH HOST:PORT``
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from dwcp.errors import DwcpError
from dwcp.serving import Hint, Reason
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.transfer import Environment, SecurityOptions, SendOptions, send, sync

_SEED = 5


class Nonsense:
    """Hints at random: any codec (one that needs a reference too), or something that is no action at all."""

    def __init__(self) -> None:
        self._rng = Random(_SEED)

    def ask(self, task_name: str, context: Any) -> Hint[Any]:
        """Something, with all confidence."""
        del task_name, context
        action: Any = self._rng.choice((*CANDIDATES, None, "sixteen", -1))
        return Hint(action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """It learns nothing."""


def main(arguments: Sequence[str]) -> int:
    verb, path, address = arguments
    call = {"send": send, "sync": sync}[verb]
    try:
        call(
            Path(path),
            address,
            SendOptions(security=SecurityOptions(plain=True), hints_after_s=0.0),
            environment=Environment(advisor=Nonsense()),
        )
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
