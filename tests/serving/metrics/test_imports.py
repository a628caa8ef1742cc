import subprocess
import sys


def test_what_counts_outcomes_needs_nothing_that_serves_them() -> None:
    absent = "prometheus_client", "starlette", "polars", "onnxruntime"
    program = f"import sys, dwcp.serving.metrics; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
