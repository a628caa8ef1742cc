"""The manifest beside every model: what it is, what it was fed, what it reached, what its files are."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FileDigest", "GateRecord", "Manifest", "OutputRecord"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileDigest(_Frozen):
    """Size and BLAKE3 digest (hex) of one file of the artifact."""

    bytes: int = Field(ge=0)
    blake3: str = Field(pattern="^[0-9a-f]{64}$")


class OutputRecord(_Frozen):
    """One output tensor of the graph."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    meaning: str


class GateRecord(_Frozen):
    """One gate and the figure it was held against when the model was made."""

    metric: str
    limit: float
    direction: str
    figure: float | None
    met: bool


class Manifest(_Frozen):
    """Everything a caller may need to know before trusting the graph.

    Holds no time of day: the same
    seed, data and versions give the same manifest; when it was published is in the journal.
    """

    format: int = 1
    task: str = Field(pattern="^[a-z][a-z0-9_]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    kind: str
    input_spec: dict[str, object]
    fingerprint: str
    outputs: tuple[OutputRecord, ...]
    metrics: dict[str, dict[str, float]]
    """Policy name to metric name to figure, on the held-out rows: the model beside its baselines."""
    gates: tuple[GateRecord, ...]
    data: str
    """What the model was trained on, in words: a figure names its data."""
    data_fingerprint: str
    seed: int
    libraries: dict[str, str]
    instruction_set: str
    files: dict[str, FileDigest]
    """``model.onnx``, ``golden.json``, ``card.md``, ``report.json``: every file but the manifest itself."""
