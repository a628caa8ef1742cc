"""``dwcp models``: what is published, whether it is whole, and which of it serves."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, RegistryOption, TaskArgument, WhyOption
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.cli.user import user_name
from dwcp.errors import InputError

if TYPE_CHECKING:
    from dwcp.registry import Registry, Verification

__all__ = ["models"]

_ReferenceArgument = Annotated[
    str, typer.Argument(help="A version, champion, challenger, shadow or latest.", show_default=True)
]
_AliasOption = Annotated[str, typer.Option(metavar="ALIAS", help="champion, challenger or shadow.")]

models = typer.Typer(
    name="models", no_args_is_help=True, help="List, check, compare, promote, roll back and export models."
)


@models.command(name="list")
def list_versions(context: typer.Context, registry: RegistryOption = None, json: JsonFlag = False) -> None:
    """List every version of every task, with what points at it.

    For example: dwcp models list
    """
    from dataclasses import asdict

    listed = session_of(context).registry(registry)
    lines = listed.list()
    if json:
        print_json([asdict(line) for line in lines])
        return
    if not lines:
        say(f"no model in {listed.root}; dwcp train makes one")
        return
    rows = [
        (
            line.task,
            line.version,
            ", ".join(line.aliases),
            "damaged" if line.problem else "met" if line.gates_met else "short",
            f"{line.bytes / 1e6:.2f}",
            line.problem or line.digest[:12],
        )
        for line in lines
    ]
    header = ("task", "version", "aliases", "gates", "MB", "digest")
    print_table(header, rows, frozenset({4}))


@models.command()
def show(
    context: typer.Context,
    task: TaskArgument,
    reference: _ReferenceArgument = "champion",
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Show one version: what it is fed, what it reached beside the rules, its gates and its journal.

    For example: dwcp models show compression latest
    """
    from dwcp.cli.model_page import describe, figure_rows, lines_of

    description = describe(session_of(context).registry(registry), task, reference)
    if json:
        print_json(description)
        return
    for line in lines_of(description):
        say(line)
    header, *rows = figure_rows(description)
    print_table(header, rows, frozenset(range(1, len(header))))


@models.command()
def verify(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(help="The task; every version of every task unless given.")
    ] = None,
    reference: Annotated[
        str | None, typer.Argument(help="A version or alias; every version unless given.")
    ] = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Check digests, the fingerprint of the inputs and the golden answers; status 1 when something is off.

    For example: dwcp models verify compression champion
    """
    from dwcp.cli.model_checks import verify_all, verify_version

    checked = session_of(context).registry(registry)
    found = [verify_version(checked, task, reference)] if task and reference else verify_all(checked, task)
    if json:
        print_json([_as_json(one) for one in found])
    else:
        for one in found:
            _say_verification(one)
        if not found:
            say(f"no model in {checked.root}")
    if not all(one.passed for one in found):
        raise typer.Exit(Status.FAILED)


@models.command()
def promote(
    context: typer.Context,
    task: TaskArgument,
    reference: Annotated[str, typer.Argument(help="A version or an alias.", show_default=False)],
    why: WhyOption,
    alias: _AliasOption = "champion",
    registry: RegistryOption = None,
) -> None:
    """Let an alias hold a version, once it is verified. Short gates are told; the decision is yours.

    For example: dwcp models promote compression 1.1.0 --why "beats 1.0.0 on this month's files"
    """
    from dwcp.cli.model_checks import require_sound

    session = session_of(context)
    held = session.registry(registry)
    manifest = require_sound(held, task, reference)
    ref = held.promote(task, reference, alias, now=time.time(), who=user_name(), why=_reason(why))
    for gate in manifest.gates:
        if not gate.met:
            note(session, f"note: the gate {gate.metric} is short")
    say(f"{alias} of {task} is now {ref.version}")


@models.command()
def rollback(
    context: typer.Context,
    task: TaskArgument,
    why: WhyOption,
    alias: _AliasOption = "champion",
    registry: RegistryOption = None,
) -> None:
    """Let an alias hold again what it held before its last promotion.

    For example: dwcp models rollback compression --why "slower on logs"
    """
    held = session_of(context).registry(registry)
    ref = held.rollback(task, alias, now=time.time(), who=user_name(), why=_reason(why))
    if ref is None:
        say(f"{alias} of {task} now holds nothing: the fallback answers")
    else:
        say(f"{alias} of {task} is {ref.version} again")


@models.command()
def diff(
    context: typer.Context,
    task: TaskArgument,
    a: Annotated[str, typer.Argument(help="A version or alias.", show_default=False)],
    b: Annotated[str, typer.Argument(help="Another.", show_default=False)],
    everything: Annotated[bool, typer.Option("--all", help="Rows that are the same as well.")] = False,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Lay two versions side by side: figures, gates, inputs, libraries, sizes.

    For example: dwcp models diff compression champion challenger
    """
    from dataclasses import asdict

    from dwcp.cli.model_page import difference_rows

    difference = session_of(context).registry(registry).diff(task, a, b)
    if json:
        print_json(
            {"a": asdict(difference.a), "b": asdict(difference.b), "rows": difference_rows(difference)}
        )
        return
    rows = [
        (row["part"], row["name"], row["a"], row["b"], "" if row["same"] else "*")
        for row in difference_rows(difference)
        if everything or not row["same"]
    ]
    if not rows:
        say(f"{task} {difference.a.version} and {difference.b.version} say the same of themselves")
        return
    header = ("", "", difference.a.version, difference.b.version, "differs")
    print_table(header, [tuple(str(cell) for cell in row) for row in rows], frozenset({2, 3}))


@models.command()
def export(
    context: typer.Context,
    task: TaskArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write under.", show_default=False)],
    reference: _ReferenceArgument = "champion",
    layout: Annotated[
        str,
        typer.Option(
            metavar="triton|plain", help="triton (a Triton model repository) or plain (vX.Y/model.onnx)."
        ),
    ] = "triton",
    registry: RegistryOption = None,
) -> None:
    """Write a version in a layout that other servers read. What stands there is never overwritten.

    For example: dwcp models export compression --layout triton --out model_repository
    """
    from dwcp.registry import Layout

    known = {item.value: item for item in Layout}
    if layout not in known:
        raise InputError(f"there is no layout {layout!r}; there are {', '.join(known)}")
    say(str(session_of(context).registry(registry).export(task, reference, out, known[layout])))


@models.command()
def publish(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="What dwcp train wrote for one task, e.g. models/compression.")
    ],
    why: WhyOption = "published by hand",
    registry: RegistryOption = None,
) -> None:
    """Publish a training result that lies in a folder, as challenger: after a full disk, or --no-publish.

    For example: dwcp models publish models/compression
    """
    from dwcp.cli.publishing import publish_folder

    published: Registry = session_of(context).registry(registry)
    ref = publish_folder(published, folder, why=_reason(why), now=time.time())
    say(f"{ref.task} {ref.version} is published as challenger in {published.root}")


def _reason(why: str) -> str:
    if not why.strip():
        raise InputError("--why needs a reason: it goes into the journal")
    return why.strip()


def _as_json(found: "Verification") -> dict[str, object]:
    checks = [
        {"name": check.name, "passed": check.passed, "problem": check.problem} for check in found.checks
    ]
    return {"task": found.task, "version": found.version, "passed": found.passed, "checks": checks}


def _say_verification(found: "Verification") -> None:
    passed = ", ".join(check.name for check in found.checks if check.passed)
    word = "whole" if found.passed else "refused"
    say(f"{found.task} {found.version}: {word} ({passed or 'nothing passed'})")
    for check in found.checks:
        if not check.passed:
            say(f"  {check.problem}")
