"""``dwcp advise``: what to do with a file on a link."""

from collections.abc import Sequence
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import BlockBytesOption, JsonFlag, RegistryOption
from dwcp.cli.output import print_json, print_table, say
from dwcp.cli.progress import progress
from dwcp.cli.session import Session, session_of
from dwcp.errors import DwcpError, InputError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.cli.advice import Advice, Terms
    from dwcp.tasks.compression.contract import Link

__all__ = ["advise"]

_DEADLINE_MS = 1000.0
"""Nobody waits on a hot path here."""
_PURPOSES = ("transfer", "storage")


def advise(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to send or store.", show_default=False)],
    bandwidth_mbps: Annotated[
        float,
        typer.Option(min=0.001, max=1e8, metavar="MBPS", help="Expected goodput; of a store, its rate."),
    ],
    rtt_ms: Annotated[float, typer.Option(min=0, metavar="MS", help="Round trip time.")] = 0.0,
    packet_loss: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of packets lost.")
    ] = 0.0,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The previous version, which the other side holds.")
    ] = None,
    cost_model: Annotated[
        str, typer.Option(metavar="serial|pipelined|bytes", help="How compressing and sending add up.")
    ] = "pipelined",
    cpu_workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, metavar="N", help="Cores that may compress; the setting unless given."),
    ] = None,
    purpose: Annotated[
        str, typer.Option(metavar="transfer|storage", help="What may be chosen: storage has snappy too.")
    ] = "transfer",
    block_bytes: BlockBytesOption = 262_144,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Say for each run of a file's blocks which codec to use, why, and what it is expected to cost.

    Asks the champion; without one, or where it does not answer, the fallback answers and says why. The class
    (hde, amst, none), the level (0-9) and the storage algorithm are views of the same action.

    For example: dwcp advise backup.tar --bandwidth-mbps 100 --rtt-ms 40 --reference yesterday.tar
    """
    from dwcp.cli.advice import AdviceSource, advise_file, file_bytes
    from dwcp.serving.local import LocalAdvisor
    from dwcp.tasks.compression.contract import Link
    from dwcp.tasks.compression.task import TASK

    session = session_of(context)
    link = Link(bandwidth_mbps, rtt_ms, packet_loss=packet_loss)
    file_bytes(path)
    terms = _terms(session, link, cost_model, cpu_workers, purpose)
    advisor = LocalAdvisor([TASK], session.registry(registry), deadline_ms=_DEADLINE_MS)
    with closing(advisor), progress(session, path.name) as show:
        # Why there is no model is told with every hint.
        with suppress(DwcpError):
            advisor.load(TASK.name)
        advice = list(advise_file(AdviceSource(path, reference, block_bytes), terms, advisor, show))
    if json:
        print_json({"path": path, "summary": _summary(advice), "runs": [one.as_json() for one in advice]})
    else:
        _tell(path, advice)


def _terms(session: Session, link: "Link", cost_model: str, cpu_workers: int | None, purpose: str) -> "Terms":
    from dwcp.cli.advice import Terms
    from dwcp.cli.speed import machine_speed
    from dwcp.tasks.compression.calibration import calibrate
    from dwcp.tasks.compression.contract import STORAGE, TRANSFER, CostModel, Host, Objective

    models = {model.value: model for model in CostModel}
    _require_known("cost model", cost_model, tuple(models))
    _require_known("purpose", purpose, _PURPOSES)
    workers = float(cpu_workers or session.settings.cpu_workers)
    host = Host(workers, speed=machine_speed(session.home, calibrate))
    candidates = TRANSFER if purpose == "transfer" else STORAGE
    return Terms(link, host, Objective(models[cost_model]), candidates)


def _require_known(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise InputError(f"there is no {what} {name!r}; there are {', '.join(known)}")


def _summary(advice: "Sequence[Advice]") -> dict[str, object]:
    size = sum(one.run_bytes for one in advice)
    by_action: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for one in advice:
        by_action[one.action.name] = by_action.get(one.action.name, 0) + one.run_bytes
        by_reason[one.hint.reason.value] = by_reason.get(one.hint.reason.value, 0) + 1
    return {
        "bytes": size,
        "runs": len(advice),
        "bytes_by_action": by_action,
        "runs_by_reason": by_reason,
        "predicted_s": _total([one.predicted_s for one in advice]),
        "plain_s": _total([one.plain_s for one in advice]),
    }


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [value for value in seconds if value is not None]
    return sum(known) if len(known) == len(seconds) else None


def _tell(path: Path, advice: "Sequence[Advice]") -> None:
    rows = []
    for _, group in groupby(advice, lambda one: (one.action, one.hint.reason)):
        runs = list(group)
        action = runs[0].action
        seconds = _total([one.predicted_s for one in runs])
        rows.append(
            (
                f"{runs[0].offset_bytes / 1e6:,.1f}",
                f"{sum(one.run_bytes for one in runs) / 1e6:,.1f}",
                action.name,
                action.transfer_class,
                str(action.published_level),
                action.storage_algorithm,
                runs[0].hint.reason.value,
                f"{sum(one.hint.confidence for one in runs) / len(runs):.2f}",
                "–" if seconds is None else f"{seconds:.3g}",
            )
        )
    header = ("at MB", "MB", "action", "class", "level", "store", "reason", "sure", "seconds")
    print_table(header, rows, frozenset({0, 1, 4, 7, 8}))
    _tell_summary(path, advice)


def _tell_summary(path: Path, advice: "Sequence[Advice]") -> None:
    size = sum(one.run_bytes for one in advice)
    predicted = _total([one.predicted_s for one in advice])
    plain = _total([one.plain_s for one in advice])
    line = f"{path}: {size / 1e6:,.1f} MB in {counted(len(advice), 'decision')}"
    if predicted is not None and plain:
        line += (
            f", {predicted:.3g} s predicted, {1 - predicted / plain:.1%} less than as it is ({plain:.3g} s)"
        )
    say(line)
    for detail in dict.fromkeys(one.hint.detail for one in advice if one.hint.detail):
        say(f"fallback: {detail}")
