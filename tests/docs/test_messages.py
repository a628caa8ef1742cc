"""The messages that the pages explain are those of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import ROOT

PAGES = (ROOT / "docs" / "how-to" / "transfer.md", ROOT / "docs" / "how-to" / "store.md")
FOLDERS = ("cli", "storage", "transfer")


def explained(page: str) -> list[str]:
    """The first column of the table of messages."""
    table = page.partition("## When it says")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^|]+)` \|", table, re.MULTILINE)


def texts(path: Path) -> Iterator[str]:
    """Every text in a source, joined as Python joins it, with three dots where something is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
            yield "".join(map(str, parts))


@pytest.fixture(scope="module")
def said() -> str:
    sources = (path for folder in FOLDERS for path in (ROOT / "src" / "dwcp" / folder).rglob("*.py"))
    return "\n".join(text for path in sources for text in texts(path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_page_explains_is_said(page: Path, said: str) -> None:
    messages = explained(page.read_text(encoding="utf-8"))
    assert len(messages) >= 10
    assert [message for message in messages if message not in said] == []


def test_texts_are_put_together(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text('print(f"a {1} b " f"{2}")\nprint("c " "d")\n')
    assert {"a ... b ...", "c d"} <= set(texts(source))


def test_the_table_is_read() -> None:
    page = "| `no` | a |\n## When it says\n\n| - |\n| --- |\n| `yes ...` | b |\n\n## Next\n| `no` | c |\n"
    assert explained(page) == ["yes ..."]
