"""The layers that the checks enforce are those that contributors read of, and every package is in one."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dwcp"


def enforced() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return list(layers)


def test_contributors_read_of_the_layers_that_are_enforced() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [drawing] = re.findall(r"^```text\n(cli .*?)^```", page, re.DOTALL | re.MULTILINE)
    assert [re.split(r" {2,}", line)[0] for line in drawing.splitlines()] == enforced()


def test_every_package_is_in_a_layer() -> None:
    layered = [name for layer in enforced() for name in layer.split(" | ")]
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert sorted(layered) == sorted(modules | packages)
