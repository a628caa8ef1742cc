"""The tree of errors, as drawn, is the tree of classes."""

import ast
import errno
import inspect
import re
from pathlib import Path

import pytest

from dwcp import errors

CLASSES = {
    name: cls
    for name, cls in inspect.getmembers(errors, inspect.isclass)
    if cls.__module__ == errors.__name__
}
_LINE = re.compile(r"^(?P<lead>[│├└─ ]*)(?P<name>\w+Error)\b *(?P<words>.*)$")


def drawn() -> dict[str, tuple[str, bool]]:
    """Each error in the drawing: the one it hangs from, and whether it is said to be retryable."""
    text = inspect.getdoc(errors) or ""
    found: dict[str, tuple[str, bool]] = {}
    above: list[str] = []
    for line in text.splitlines():
        if not (match := _LINE.match(line)) or not line.startswith("    "):
            continue
        depth = (len(match["lead"]) - 4) // 4
        above = [*above[:depth], match["name"]]
        found[match["name"]] = (above[-2] if depth else "Exception", "(retryable)" in match["words"])
    return found


def test_the_drawing_is_read_at_all() -> None:
    assert drawn()["DwcpError"] == ("Exception", False)
    assert drawn()["SettingsError"][0] == "InputError"


def test_every_class_is_drawn_below_its_base() -> None:
    bases = {name: cls.__bases__[0].__name__ for name, cls in CLASSES.items()}
    assert {name: base for name, (base, _) in drawn().items()} == bases


def test_what_is_retryable_is_drawn_so() -> None:
    retryable = {name for name, cls in CLASSES.items() if cls.retryable}
    assert {name for name, (_, said) in drawn().items() if said} == retryable
    assert retryable


def test_what_the_system_says_of_a_path_is_not_retryable() -> None:
    assert errors.StorageError.of(OSError(errno.ENOSPC, "full"), "x").retryable
    denied = errors.StorageError.of(OSError(errno.EACCES, "denied"), "x")
    assert (str(denied), denied.retryable, errors.StorageError.retryable) == ("x", False, True)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_exported_and_documented(name: str) -> None:
    assert name in errors.__all__
    text = CLASSES[name].__dict__.get("__doc__")
    assert text, "it has no docstring of its own"
    assert text.rstrip().endswith(".")


def test_everything_exported_is_an_error() -> None:
    assert set(errors.__all__) == set(CLASSES)


def test_errors_defined_elsewhere_belong_to_the_tree() -> None:
    source = Path(errors.__file__).parent
    known = set(CLASSES)
    for file in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and node.name not in known:
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                assert bases & known, f"{file}: {node.name} is outside of the tree"
