"""What a module offers is what its ``__all__`` says: sorted, there, nothing left out. Read, not imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "dwcp"
MADE = "_pb2.py"
"""How files end that a tool made."""
FILES = {
    path.relative_to(SOURCE).as_posix(): path
    for path in sorted(SOURCE.rglob("*.py"))
    if not path.name.endswith(MADE)
}
PACKAGES = {name: path for name, path in FILES.items() if path.name == "__init__.py"}
MODULES = {name: path for name, path in FILES.items() if name not in PACKAGES}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
EMPTY = (
    *("__init__.py", "cli/__init__.py", "tasks/", "transfer/endpoints/__init__.py"),
    "serving/protocol/__init__.py",
)
"""Packages that offer no names: the root, the command line, folders of tasks, the two ends, what was made."""


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exported(tree: ast.Module) -> list[str] | None:
    """The names in ``__all__``; None when there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def imported(tree: ast.Module, of: str) -> set[str]:
    """Names that a package takes from its own modules, at once or when they are asked for."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(of)
        for alias in node.names
    }


def defined(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and names that are assigned at the top."""
    for node in tree.body:
        if isinstance(node, DEFINITIONS):
            yield node.name
        elif isinstance(node, ast.Assign):
            names = (name for target in node.targets for name in ast.walk(target))
            yield from (name.id for name in names if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def public_definitions(tree: ast.Module) -> set[str]:
    """Functions and classes that do not begin with an underscore."""
    return {
        node.name for node in tree.body if isinstance(node, DEFINITIONS) and not node.name.startswith("_")
    }


def used(tree: ast.Module) -> set[str]:
    """Names that the module itself uses, and functions that a decorator hands to somebody."""
    decorated = {node.name for node in tree.body if isinstance(node, DEFINITIONS) and node.decorator_list}
    return decorated | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def place(name: str) -> tuple[int, str]:
    """Where a name stands: constants, then classes and types, then functions; each by the alphabet."""
    if name.isupper():
        return 0, name
    return (1, name) if name[:1].isupper() else (2, name)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_what_it_defines(name: str) -> None:
    tree = tree_of(MODULES[name])
    names = exported(tree)
    assert names is not None, "there is no __all__"
    assert names == sorted(set(names), key=place)
    assert set(names) <= set(defined(tree)), "a name in __all__ is not defined here"
    hidden = public_definitions(tree) - set(names) - used(tree)
    assert not hidden, "offer it in __all__, or begin its name with an underscore"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_offers_what_it_takes_from_its_modules(name: str) -> None:
    tree = tree_of(PACKAGES[name])
    names = exported(tree)
    if names is None:
        assert any(name == empty or name.startswith(empty) for empty in EMPTY), "there is no __all__"
        assert not imported(tree, "dwcp")
        return
    package = ".".join(("dwcp", *Path(name).parts[:-1]))
    assert names == sorted(set(names), key=place)
    assert set(names) == imported(tree, package) | public_definitions(tree)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_package_takes_is_public_where_it_comes_from(name: str) -> None:
    for node in tree_of(PACKAGES[name]).body:
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("dwcp."):
            continue
        origin = SOURCE.joinpath(*str(node.module).split(".")[1:])
        file = origin / "__init__.py" if origin.is_dir() else origin.with_suffix(".py")
        offered = exported(tree_of(file))
        assert offered is not None
        assert {alias.name for alias in node.names} <= set(offered)


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_what_it_is(name: str) -> None:
    text = ast.get_docstring(tree_of(FILES[name]))
    assert text
    assert len(text.split()) > 1, "one word is no docstring"


def test_names_are_sorted_as_the_linter_sorts_them() -> None:
    assert sorted(["b", "Ab", "AB", "a", "Aa"], key=place) == ["AB", "Aa", "Ab", "a", "b"]
