import ast
from pathlib import Path
from types import ModuleType

import pytest

import dwcp.evaluation
import dwcp.evaluation.report


@pytest.mark.parametrize("package", [dwcp.evaluation, dwcp.evaluation.report])
def test_all_is_sorted_and_whole(package: ModuleType) -> None:
    assert package.__file__ is not None
    tree = ast.parse(Path(package.__file__).read_text())
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(package.__all__) == imported
    assert list(package.__all__) == sorted(package.__all__)
