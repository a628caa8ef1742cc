"""The written specification says what the code does: its tables and its example are held against it."""

import ast
import json
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from dwcp.transfer.protocol import (
    MESSAGES,
    VERSION,
    ErrorCode,
    FrameType,
    Listed,
    Role,
    Sketch,
    State,
    limits,
)
from dwcp.transfer.protocol.codes import _ERRORS, _FINER
from dwcp.transfer.protocol.rows import RECORD_TAGS
from dwcp.transfer.protocol.states import (
    AFTER_HELLO,
    CONTROL_NEEDS,
    CONTROL_SPEECH,
    DATA_NEEDS,
    DATA_SPEECH,
    QUESTIONS,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "transfer-protocol.md").read_text()
VECTORS = json.loads((ROOT / "tests" / "golden" / "protocol" / "frames.json").read_text())
FRAMES = {vector["name"]: vector["frame_hex"] for vector in VECTORS}


def table(*rows: tuple[object, ...]) -> str:
    """Rows as the page writes them."""
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def first_column(heading: str) -> list[str]:
    """The names in the first table below a heading."""
    below = PAGE.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", below, re.MULTILINE)


@pytest.mark.parametrize("kind", FrameType)
def test_every_message_has_a_table_of_its_fields(kind: FrameType) -> None:
    names = [field.name for field in fields(MESSAGES[kind])]
    number = f"{kind.value:#04x}" if kind.value >= 0x80 else str(kind.value)
    assert first_column(f"### {kind.name} ({number})") == names


@pytest.mark.parametrize(("heading", "part"), [("#### Listed", Listed), ("#### Sketch", Sketch)])
def test_parts_of_messages_have_tables_too(heading: str, part: type[Any]) -> None:
    assert first_column(heading) == [field.name for field in fields(part)]


def test_every_record_has_a_row_with_its_tag_and_fields() -> None:
    for record, tag in RECORD_TAGS.items():
        names = ", ".join(f"`{field.name}`" for field in fields(record)) or "none"
        assert f"| {tag} | `{record.__name__}` | {names} |" in PAGE


def meanings(path: Path) -> dict[str, str]:
    """What stands below each constant of a module."""
    body = ast.parse(path.read_text()).body
    return {
        node.targets[0].id: " ".join(ast.literal_eval(text.value).split())
        for node, text in pairwise(body)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
    }


def test_every_limit_is_listed_with_its_meaning() -> None:
    said = meanings(Path(limits.__file__))
    rows = [(f"`{name}`", f"{getattr(limits, name):,}", said[name]) for name in said]
    assert set(said) == set(limits.__all__)
    assert table(("limit", "value", "what and why"), ("---", "---:", "---"), *rows) in PAGE


def turns(states: Mapping[State, Mapping[FrameType, State]]) -> str:
    """What a party may say in each state, and the state that follows."""
    rows = []
    for state, choices in states.items():
        stays = ", ".join(kind.name for kind, follows in choices.items() if follows is state)
        goes = ", ".join(f"{kind.name} → {to.name}" for kind, to in choices.items() if to is not state)
        rows.append((state.name, stays or "–", goes or "–"))
    return table(("state", "says, and stays", "says, and goes on to"), ("---", "---", "---"), *rows)


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_the_state_tables_are_written_down(role: Role) -> None:
    assert turns(CONTROL_SPEECH[role]) in PAGE
    assert turns(DATA_SPEECH[role]) in PAGE


def test_what_has_to_be_heard_before_is_written_down() -> None:
    head = ("who", "says", "only after it has heard", "on streams"), ("---",) * 4
    rows = [
        (who, kind.name, need.name, "all" if (who, kind) in DATA_NEEDS else "0")
        for (who, kind), need in CONTROL_NEEDS.items()
    ]
    assert set(DATA_NEEDS) <= set(CONTROL_NEEDS)
    assert table(*head, *rows) in PAGE
    for question, (answer, most) in QUESTIONS.items():
        assert f"{answer.name} answers one {question.name}" in PAGE
        assert f"at most {most} {question.name}s" in PAGE
    assert table(*[(f"`{name}`", state.name) for name, state in AFTER_HELLO.items()]) in PAGE


def test_every_code_is_listed_with_what_it_is_raised_as() -> None:
    for code in ErrorCode:
        error = _ERRORS[code]
        assert f"| `{code.value}` | `{error.__name__}` | {'yes' if error.retryable else 'no'} |" in PAGE
    listed = re.findall(r"^\| `(\w+)` \| `\w+Error` \|", PAGE, re.MULTILINE)
    assert listed == [code.value for code in ErrorCode]
    assert set(_FINER.values()) <= set(ErrorCode)


def test_the_version_is_the_one_that_is_spoken() -> None:
    assert PAGE.startswith(f"# Transfer protocol, version {VERSION}\n")


def test_the_worked_example_is_made_of_golden_frames() -> None:
    example = PAGE.split("\n## Worked example\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\*\*([^*]+)\*\*.*?```text\n([0-9a-f\s]+)```", example, re.MULTILINE | re.DOTALL)
    assert len(found) == example.count("```") / 2 >= 8
    for name, digits in found:
        assert "".join(digits.split()) == FRAMES[name]
