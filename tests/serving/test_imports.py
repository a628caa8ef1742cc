"""What importing the package pulls in: a data plane must not pay for, or need, the learned side."""

import subprocess
import sys

import pytest

import dwcp.serving

LEARNED = "numpy", "onnxruntime", "pydantic", "dwcp.task", "dwcp.evaluation", "dwcp.registry"
HEAVY = "onnxruntime", "torch", "xgboost", "sklearn", "onnx"


@pytest.mark.parametrize(
    ("module", "absent"),
    [("dwcp.serving", LEARNED), ("dwcp.serving.local", HEAVY)],
    ids=["protocol", "local"],
)
def test_importing_is_light(module: str, absent: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_exported_is_there_and_sorted() -> None:
    assert dwcp.serving.__all__ == sorted(dwcp.serving.__all__)
    assert all(hasattr(dwcp.serving, name) for name in dwcp.serving.__all__)
