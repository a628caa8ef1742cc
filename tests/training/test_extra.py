"""A missing training library is one sentence; any other missing module stays what it is."""

import subprocess
import sys

import pytest

from dwcp.errors import ExtraMissingError
from dwcp.training.extra import training_extra


@pytest.mark.parametrize("name", ["torch", "xgboost.core", "sklearn", "onnx"])
def test_missing_library_names_the_extra(name):
    with (
        pytest.raises(ExtraMissingError, match=r"^training needs the extra: pip install 'dwcp\[train\]'"),
        training_extra(),
    ):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_any_other_missing_module_is_a_bug_and_stays_one():
    with pytest.raises(ModuleNotFoundError, match="ours"), training_extra():
        raise ModuleNotFoundError("No module named 'ours'", name="ours")


def test_importing_training_needs_no_training_library():
    libraries = "{'torch', 'xgboost', 'sklearn', 'onnx'}"
    check = f"import sys, dwcp.training; sys.exit(str(sorted({libraries} & set(sys.modules)) or ''))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
