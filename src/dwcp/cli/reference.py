"""The generated reference: ``python -m dwcp.cli.reference --write FOLDER | --check FOLDER``.

Everything in it comes from the code: the commands from the command line's own tree, the telemetry schema
from its definition. Other files in the folder are left alone.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from dwcp.cli.app import app
from dwcp.cli.failures import EXIT_STATUSES
from dwcp.errors import StorageError
from dwcp.evaluation.files import atomic_write
from dwcp.telemetry.schema import as_json_schema, as_markdown

__all__ = ["every_command", "main", "pages"]

_USAGE = "usage: python -m dwcp.cli.reference (--write | --check) FOLDER"
_MADE = "<!-- Written by `make docs`; edit the code instead. -->"
_COMPLETION = ("--install-completion", "--show-completion")


def pages() -> dict[str, str]:
    """The content of every generated file, by name."""
    return {
        "cli.md": _command_page(),
        "telemetry.md": f"{_MADE}\n\n# Telemetry schema\n\n{as_markdown()}",
        "telemetry.schema.json": json.dumps(as_json_schema(), indent=2) + "\n",
    }


def main(arguments: Sequence[str]) -> int:
    """Write the reference or check it; gives the exit status: 1 when a file is stale.

    Args:
        arguments: ``--write FOLDER`` or ``--check FOLDER``.
    """
    match arguments:
        case ["--write", folder]:
            return _write(Path(folder))
        case ["--check", folder]:
            return _check(Path(folder))
    print(_USAGE, file=sys.stderr)
    return 2


def _write(folder: Path) -> int:
    try:
        for name, content in pages().items():
            atomic_write(folder / name, content.encode())
    except StorageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check(folder: Path) -> int:
    stale = [name for name, content in pages().items() if _standing(folder / name) != content.encode()]
    for name in stale:
        print(f"{folder / name} is stale: run make docs", file=sys.stderr)
    return 1 if stale else 0


def _standing(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _command_page() -> str:
    lines = [_MADE, "", "# Command line", ""]
    root: Any = get_command(app)
    lines += _described(root, "dwcp")
    lines += ["## Exit status", "", "| status | meaning |", "| --- | --- |"]
    lines += [f"| {int(status)} | {meaning} |" for status, meaning in EXIT_STATUSES]
    lines += ["", "An error is one sentence on standard error that begins with `dwcp:`.", ""]
    for path, command in every_command(root, "dwcp"):
        lines += [f"## `{path}`", "", *_described(command, path)]
    return "\n".join(lines).rstrip() + "\n"


def every_command(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group, in the order of the help; a group comes before its commands."""
    commands: Mapping[str, Any] = getattr(group, "commands", {})
    for name, command in commands.items():
        yield f"{path} {name}", command
        yield from every_command(command, f"{path} {name}")


def _described(command: Any, path: str) -> Iterator[str]:
    yield from _usage(command, path)
    for paragraph in _paragraphs(command.help or ""):
        if paragraph.startswith("For example: "):
            yield from ("For example:", "", "```sh", paragraph.removeprefix("For example: "), "```", "")
        else:
            yield from (paragraph, "")
    rows = [_row(param) for param in command.params if not set(param.opts) & {*_COMPLETION, "--help"}]
    if rows:
        yield from ("| argument or option | default | meaning |", "| --- | --- | --- |", *rows, "")


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _usage(command: Any, path: str) -> Iterator[str]:
    arguments = [_argument(param) for param in command.params if param.param_type_name == "argument"]
    if hasattr(command, "commands"):
        arguments.append("COMMAND")
    yield from ("```text", " ".join([path, "[OPTIONS]", *arguments]), "```", "")


def _argument(param: Any) -> str:
    name = f"{param.name.upper()}..." if param.nargs == -1 else param.name.upper()
    return name if param.required else f"[{name}]"


def _row(param: Any) -> str:
    name = _argument(param) if param.param_type_name == "argument" else _option(param)
    default = "required" if param.required else _default(param)
    return f"| `{_cell(name)}` | {_cell(default)} | {_cell((param.help or '') + _range(param))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _option(param: Any) -> str:
    names = ", ".join([*param.opts, *param.secondary_opts])
    return names if param.is_flag else f"{names} {param.metavar or 'VALUE'}"


def _range(param: Any) -> str:
    low, high = (getattr(param.type, bound, None) for bound in ("min", "max"))
    if low is None:
        return ""
    return f" From {low:,}." if high is None else f" {low:,} to {high:,}."


def _default(param: Any) -> str:
    default = param.default
    if default is True and param.secondary_opts:
        return f"`{param.opts[0]}`"
    return "" if default is None or default is False or callable(default) else f"`{default}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
