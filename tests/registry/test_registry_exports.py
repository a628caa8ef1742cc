import subprocess
import sys

import dwcp.registry


def test_exports_are_sorted_and_there():
    assert dwcp.registry.__all__ == sorted(dwcp.registry.__all__)
    assert all(hasattr(dwcp.registry, name) for name in dwcp.registry.__all__)


def test_heavy_libraries_are_not_imported():
    heavy = {"onnx", "onnxruntime", "torch", "xgboost", "sklearn"}
    code = f"import sys, dwcp.registry; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
