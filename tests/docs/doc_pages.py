"""Reading pages and following them: each snippet in turn, in the folder the reader is in."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from io import StringIO
from os import environ
from pathlib import Path
from typing import Any
from unittest.mock import patch

from typer.main import get_command

from dwcp.cli.app import app, main

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
GENERATED = {"docs/reference/cli.md", "docs/reference/telemetry.md"}
"""Pages that are written by a program, and tested where that is tested."""
PARSED_ONLY = ("demo", "watch nodes", "watch etcd")
"""Commands that take minutes, or a server: their options are read, and no more. They have their own tests."""
MAY_BE_SHORT = ("evaluate", "--target-accuracy", "detect")
"""What ends with 3: a model of a handful of made-up files is not good enough, or a fault is found."""
STAYING = {"receive": "listening", "serve": "ready"}
"""Commands that run until they are stopped, with the word that says that they answer."""
OPTIONAL = ("go", "promtool")
"""Programs that may be missing where the tests run: the commands that name them are passed over then."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'?(\w+)'?")
_SHELL = re.compile(r"[|<>;&$`*]")
_ASSIGNMENT = re.compile(r"(DWCP_\w+)=(\S+) ")
_ADDRESS = re.compile(r"\b[\w.]+:9440\b")
"""Where the pages have a receiver listen, and send to."""
_PORTS = re.compile(r"\b(9450|9451)\b")
"""Where the pages have a server listen, for HTTP and for gRPC."""


def pages() -> dict[str, Path]:
    """Every page that people write, by its path from the root."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/*.md")]
    named = {path.relative_to(ROOT).as_posix(): path for path in sorted(found)}
    return {name: path for name, path in named.items() if name not in GENERATED}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block: its language, its text, its line, and the output that the page shows after it."""

    language: str
    text: str
    line: int
    shown: str | None


def snippets(page: str) -> list[Snippet]:
    """The fenced blocks of a page; one of ``text`` right after another is what that one prints."""
    found = list(_FENCE.finditer(page))
    made = []
    for place, block in enumerate(found):
        follower = found[place + 1] if place + 1 < len(found) else None
        between = page[block.end() : follower.start()].strip() if follower else "nothing follows"
        shown = follower[2] if follower and follower[1] == "text" and not between else None
        made.append(Snippet(block[1], block[2], page.count("\n", 0, block.start()) + 1, shown))
    return made


def commands(text: str) -> Iterator[str]:
    """The commands of a shell snippet: lines, continued lines, and lines with what is fed to them."""
    lines = iter(text.splitlines())
    for line in lines:
        whole = line
        while whole.endswith("\\"):
            whole = f"{whole[:-1].rstrip()} {next(lines).strip()}"
        if mark := _HEREDOC.search(whole):
            for fed in lines:
                whole += f"\n{fed}"
                if fed == mark[1]:
                    break
        if whole.strip() and not whole.startswith("#"):
            yield whole


def dwcp_words(command: str) -> list[str] | None:
    """The words after ``dwcp`` of a plain call of it; None for every other command."""
    rest = _ASSIGNMENT.sub("", command)
    plain = rest.startswith("dwcp ") and not _SHELL.search(rest)
    return shlex.split(rest)[1:] if plain else None


class Terminal:
    """The reader's second terminal: one of `STAYING` runs there until the next one, or the page, ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: subprocess.Popen[str] | None = None

    def run(self, words: list[str]) -> str:
        """Stop what runs, and begin; comes back with what was said once the command answers."""
        self.close()
        command = [sys.executable, "-m", "dwcp.cli.app", *words]
        self._running = subprocess.Popen(
            command, cwd=self._folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._running.stdout is not None
        said = ""
        for line in self._running.stdout:
            said += line
            if STAYING[words[0]] in line and "not ready" not in line:
                return said
        raise AssertionError(f"{words} says {said}")

    def close(self) -> None:
        """Stop what runs, as a service manager does; it has to end well."""
        if self._running is not None:
            running, self._running = self._running, None
            running.terminate()
            said, _ = running.communicate(timeout=30)
            assert running.returncode == 0, said


class Reader:
    """Follows a page in a folder; fails on the first thing that is not as the page says.

    The reader has one machine, two terminals, and free ports instead of those that pages name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[str, Any] = {"__name__": "page"}
        self._terminal = Terminal(folder)
        receiving, *serving = _free_ports(3)
        self._address = f"127.0.0.1:{receiving}"
        self._ports = dict(zip(("9450", "9451"), serving, strict=True))

    def follow(self, page: Path) -> int:
        """Do everything the page says; gives the number of snippets that were run."""
        done = 0
        try:
            for snippet in snippets(self._with_free_ports(page.read_text(encoding="utf-8"))):
                if snippet.language in ("sh", "python"):
                    self._do(snippet, page.name)
                    done += 1
        finally:
            self._terminal.close()
        return done

    def _with_free_ports(self, text: str) -> str:
        return _PORTS.sub(lambda found: self._ports[found[1]], _ADDRESS.sub(self._address, text))

    def _do(self, snippet: Snippet, page: str) -> None:
        where = f"{page}:{snippet.line}"
        if snippet.language == "python":
            said = self._python(snippet.text, where)
        else:
            said = "".join(self._command(command, where) for command in commands(snippet.text))
        if snippet.shown is not None:
            same = OutputChecker().check_output(snippet.shown, said, ELLIPSIS | NORMALIZE_WHITESPACE)
            assert same, f"{where} shows\n{snippet.shown}\nand prints\n{said}"

    def _python(self, text: str, where: str) -> str:
        with redirect_stdout(StringIO()) as said:
            exec(compile(text, where, "exec"), self._names)
        return said.getvalue()

    def _command(self, command: str, where: str) -> str:
        words = dwcp_words(command)
        if words is not None:
            return self._dwcp(words, dict(_ASSIGNMENT.findall(command)), where)
        if command.startswith(("make ", ". ", "python3 -m venv ")):
            require_make_target(command, where)
            return ""
        if command.startswith("pip install "):
            require_extras(command, where)
            return ""
        if any(re.search(rf"\b{name}\b", command) and not shutil.which(name) for name in OPTIONAL):
            return ""
        path = f"{Path(sys.executable).parent}:{environ['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.folder, env={**environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{where}: {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _dwcp(self, words: list[str], variables: dict[str, str], where: str) -> str:
        if words[0] in PARSED_ONLY or " ".join(words[:2]) in PARSED_ONLY:
            require_parses(words)
            return ""
        if words[0] in STAYING:
            is_at_usual_port = words[0] == "serve" and "--port" not in words
            return self._terminal.run(
                [*words, *(("--port", self._ports["9450"]) if is_at_usual_port else ())]
            )
        said, complained = StringIO(), StringIO()
        with patch.dict(environ, variables), redirect_stdout(said), redirect_stderr(complained):
            status = main(words)
        allowed = {0, 3} if any(word in words for word in MAY_BE_SHORT) else {0}
        assert status in allowed, f"{where}: {words} ends with {status}: {complained.getvalue()}"
        return said.getvalue()


def _free_ports(count: int) -> list[str]:
    """Ports that nothing listens on, no two of them the same."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


def require_make_target(command: str, where: str) -> None:
    """Fail unless the Makefile has the target, or makes the environment that is made or activated."""
    if command.startswith((". ", "python3 -m venv ")):
        assert f"VENV := {command.split()[-1].removesuffix('/bin/activate')}\n" in MAKEFILE, where
        return
    for target in (word for word in command.split()[1:] if "=" not in word):
        assert re.search(rf"^([\w-]+ )*{re.escape(target)}[ :]", MAKEFILE, re.MULTILINE), f"{where}: {target}"


def require_extras(command: str, where: str) -> None:
    """Fail unless the package has the extras that are to be installed. Nothing is installed."""
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    for named in re.findall(r"\[([\w,]+)\]", command):
        assert set(named.split(",")) <= extras, f"{where}: {command}"


def require_parses(words: list[str]) -> None:
    """Fail unless the command takes these words."""
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    command.make_context(name, list(words))
