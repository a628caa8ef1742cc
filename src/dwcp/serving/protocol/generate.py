"""Makes the stubs from the .proto files; needs grpcio-tools, which nothing else does.

``python generate.py`` in an environment with grpcio-tools 1.74, whose output loads on protobuf 6 and 7. The
Open Inference messages get a descriptor pool of their own: Triton's client registers others of the same names
in the common one, and a process may well have both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

HERE = Path(__file__).parent
STUBS = {"open_inference_grpc.proto": "open_inference_pb2.py", "dwcp/v1/hints.proto": "hints_pb2.py"}
_HEADER = (
    "# Made from {proto} by `make protocol` (grpcio-tools 1.74): change that file, not this one.\n"
    "# ruff: noqa\n"
)
_TYPES = """from typing import Any

def __getattr__(name: str) -> Any: ...
"""
_OWN_POOL = "open_inference_pb2.py"


def main() -> None:
    """Write every stub beside its source."""
    with tempfile.TemporaryDirectory() as folder:
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"--python_out={folder}"]
        subprocess.run([*protoc, *STUBS], check=True)
        for proto, stub in STUBS.items():
            made = (Path(folder) / proto.replace(".proto", "_pb2.py")).read_text()
            if stub == _OWN_POOL:
                made = made.replace("_descriptor_pool.Default()", "_descriptor_pool.DescriptorPool()")
            (HERE / stub).write_text(_HEADER.format(proto=proto) + made)
            (HERE / stub).with_suffix(".pyi").write_text(_TYPES)


if __name__ == "__main__":
    main()
