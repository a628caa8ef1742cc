"""The reader of pages notices what is wrong with one."""

from pathlib import Path

import pytest
import typer
from doc_pages import Reader, commands, dwcp_words, require_make_target, require_parses, snippets


def follow(tmp_path: Path, page: str) -> int:
    path = tmp_path / "page.md"
    path.write_text(page)
    return Reader(tmp_path).follow(path)


def test_snippets_and_what_they_print() -> None:
    page = "a\n```sh\none\n```\n\n```text\nsaid\n```\n\n```python\n1\n```\nwords\n```text\nnot said\n```\n"
    shell, said, python, apart = snippets(page)
    assert (shell.language, shell.text, shell.line, shell.shown) == ("sh", "one\n", 2, "said\n")
    assert (said.language, python.language, python.shown, apart.text) == (
        "text",
        "python",
        None,
        "not said\n",
    )


def test_commands_may_be_continued_and_fed() -> None:
    text = "# said\none \\\n  two\n\ncat > f <<'END'\na\nEND\nthree\n"
    assert list(commands(text)) == ["one two", "cat > f <<'END'\na\nEND", "three"]


def test_only_plain_calls_are_run_in_this_process() -> None:
    assert dwcp_words("DWCP_HOME=x dwcp doctor --json") == ["doctor", "--json"]
    assert dwcp_words("dwcp doctor | cat") is None
    assert dwcp_words("dwcpx doctor") is None


def test_what_is_right_passes(tmp_path: Path) -> None:
    shell = "```sh\ndwcp --version\n```\n```text\ndwcp ...\n```\n"
    python = "```python\nx = 1\n```\n```python\nprint(x)\n```\n```text\n1\n```\n"
    assert follow(tmp_path, shell + python) == 3


def test_the_second_terminal_receives_while_the_page_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "a.txt").write_text("a")
    receive = "```sh\ndwcp receive in --listen 0.0.0.0:9440\n```\n"
    send = "```sh\ndwcp sync a.txt server.example.org:9440\n```\n```text\na.txt is in place: ...\n```\n"
    assert follow(tmp_path, receive + send + receive + send) == 4
    assert (tmp_path / "in" / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    "page",
    [
        "```sh\ndwcp receive in --listen nonsense\n```\n",
        "```sh\ndwcp nonsense\n```\n",
        "```sh\ndwcp doctor --nonsense\n```\n",
        "```sh\ndwcp demo --nonsense\n```\n",
        "```sh\ndwcp demo --seconds 0\n```\n",
        "```sh\nfalse\n```\n",
        "```sh\nmake nonsense\n```\n",
        "```sh\n. venv/bin/activate\n```\n",
        "```sh\npip install '.[nonsense]'\n```\n",
        "```sh\ndwcp --version\n```\n```text\nsomething else\n```\n",
        "```python\nprint(1)\n```\n```text\n2\n```\n",
    ],
)
def test_what_is_wrong_fails(tmp_path: Path, page: str) -> None:
    with pytest.raises((AssertionError, typer.TyperException)):
        follow(tmp_path, page)


def test_a_snippet_that_raises_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        follow(tmp_path, "```python\n1 / 0\n```\n")


@pytest.mark.parametrize("target", ["test", "demo", "bench-hde", "bench-hint DWCP_CORPUS=x"])
def test_targets_are_found(target: str) -> None:
    require_make_target(f"make {target}", "here")


def test_options_are_read() -> None:
    require_parses(["demo", "--seconds", "60", "--fresh"])
