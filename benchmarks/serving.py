"""The server under load: what it answers and costs, swaps, a failing candidate, a crash, hostile callers.

Run: ``make bench-serving``, after ``dwcp demo`` or ``dwcp train`` has put a model into the registry. It needs
the extras ``serve`` and ``train``; what needs wrk is left out where that is not installed.

Client and server share the machine. What a request costs the server is told by the processor's time of its
process, which no client beside it changes.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dwcp.errors import DwcpError
from dwcp.evaluation.gates import Gate, check_gates
from dwcp.registry import Registry
from dwcp.settings import load_settings
from dwcp.task import Task
from dwcp.tasks import discover
from reporting import RESULTS, report
from serving_changes import breach, crash, swaps
from serving_hostile import REQUESTS, hostile
from serving_load import bare_rows, in_process_rows, questions, server_rows
from serving_models import copied_registry, draft_of, nonsense_of, publish_copy
from serving_process import serving
from serving_wrk import is_here

TASK = "compression"
GATES = (
    Gate("load_errors", 0, "at_most", "requests refused or lost under load, of all protocols"),
    Gate(
        "least_by_model", 0.95, "at_least", "hints a model gave in time, where fewest: else rules were timed"
    ),
    Gate("swap_failed", 0, "at_most", "requests lost or failed while models are swapped and rolled back"),
    Gate("swap_seen", 2, "at_least", "versions that answered meanwhile: else nothing was swapped"),
    Gate("swap_rolled_back", 1, "at_least", "after the rollback the former champion answers"),
    Gate("breach_failed", 0, "at_most", "requests lost or failed while a candidate fails"),
    Gate("breach_hints_of_candidate", 1, "at_least", "hints it was asked for: else nothing was breached"),
    Gate("breach_rolled_back", 1, "at_least", "the failing candidate was taken back by the server itself"),
    Gate("crash_equal", 1, "at_least", "aliases, models, rollout and breakers are as before kill -9"),
    Gate("crash_breaker_open", 1, "at_least", "a breaker was open then: else nothing had to be remembered"),
    Gate("hostile_refused", REQUESTS, "at_least", "requests without a token that were refused"),
    Gate("hostile_good_failed", 0, "at_most", "requests of a good caller beside them that failed"),
    Gate("hostile_growth_mb", 32, "at_most", "memory the server took meanwhile"),
    Gate("hostile_log_lines", 100, "at_most", "lines the server logged meanwhile"),
)
ROOMY = ("--max-concurrent", "256")
"""More than any row's connections: refusing what is above the limit is not what is measured."""
NO_WRK = "wrk is not installed (apt-get install wrk): what it would have asked was left out"


def main(arguments: Sequence[str] | None = None, results: Path = RESULTS) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--registry", type=Path, default=load_settings().home / "registry")
    parser.add_argument("--seconds", type=int, default=3, help="of each row of the table")
    parser.add_argument("--swap-seconds", type=int, default=12)
    parser.add_argument("--hostile", type=int, default=REQUESTS, help="requests without a token")
    options = parser.parse_args(arguments)
    started_s = time.perf_counter()
    if not is_here():
        print(NO_WRK, file=sys.stderr)
    try:
        with tempfile.TemporaryDirectory(prefix="dwcp-serving-") as folder:
            figures, data = _measured(Path(folder), options)
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    # A gate on what could not be measured is short, not left out.
    gates = [
        replace(gate, limit=options.hostile) if gate.metric == "hostile_refused" else gate for gate in GATES
    ]
    return report(
        "serving", figures, data, check_gates(gates, figures), time.perf_counter() - started_s, results
    )


def _measured(folder: Path, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, object]]:
    tasks = discover()
    registry = copied_registry(options.registry, TASK, folder / "registry")
    champion, other, nonsense = _versions(registry, tasks[TASK])
    arrays = tasks[TASK].arrays([tasks[TASK].examples(1, 1)[0].context])
    asked = questions(tasks[TASK], arrays)
    home = folder / "home"
    with_wrk = is_here()
    _say("the same model in process")
    rows = list(in_process_rows(registry, list(tasks.values()), TASK, 2000))
    figures: dict[str, Any] = {}
    with serving(home, registry.root, ROOMY) as served:
        figures["start_ready_s"] = served.ready_s
        figures["start_resident_mb"] = served.usage().resident_mb
        _say("loads")
        rows += server_rows(served, TASK, asked, options.seconds, folder, with_wrk=with_wrk)
        rows += bare_rows(served, asked, options.seconds, folder, with_wrk=with_wrk)
        _say("swaps and a rollback")
        pair = (champion, other)
        figures |= swaps(served, registry, TASK, pair, asked["infer, JSON"], options.swap_seconds)
        _say("a candidate that fails")
        figures |= breach(served, home, TASK, (nonsense, champion))
    _say("kill -9")
    figures |= crash(folder / "killed", registry, TASK, (nonsense, champion))
    if with_wrk:
        _say(f"{options.hostile:,} requests without a token")
        figures |= hostile(folder / "hostile", registry.root, asked["hint, REST"], options.hostile)
    figures["load_errors"] = sum(one.errors for one in rows)
    figures["least_by_model"] = min(one.by_model for one in rows if one.by_model is not None)
    figures["rows"] = [one.as_json() for one in rows]
    figures["remark"] = "" if with_wrk else NO_WRK
    data: dict[str, object] = {
        "task": TASK,
        "version": champion,
        "question_bytes": {k: len(v.body) for k, v in asked.items()},
    }
    return figures, data


def _versions(registry: Registry, task: Task) -> tuple[str, str, str]:
    """The champion, a copy of it, and one whose answers are nonsense."""
    artifact, now = registry.load(task.name), time.time()
    draft = draft_of(artifact, task)
    return (
        artifact.ref.version,
        publish_copy(registry, draft, draft.seed + 1, now),
        publish_copy(registry, nonsense_of(draft), draft.seed + 2, now),
    )


def _say(what: str) -> None:
    print(f"measuring {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
