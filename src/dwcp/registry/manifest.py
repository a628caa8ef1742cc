"""The manifest beside every model: what it is, what it was fed, what it reached, what its files are."""

import json
import math

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dwcp.errors import ArtifactRefusedError, InputError
from dwcp.features.spec import InputSpec

__all__ = ["FileDigest", "GateRecord", "Manifest", "OutputRecord", "canonical_json", "digest_file"]

_FORMAT = 1


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

    Holds no time of day: the same seed, data and versions give the same manifest; when it was
    published is in the journal.
    """

    format: int = _FORMAT
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

    def to_json(self) -> bytes:
        """The manifest's one canonical form: the bytes of ``manifest.json``.

        Raises:
            InputError: a value of the input specification is not JSON, or a text is not Unicode.
        """
        return canonical_json(self.model_dump(), indent=2)

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Read ``manifest.json``.

        Raises:
            ArtifactRefusedError: not a manifest, of a newer format, or not in canonical form. The message
                is to follow the file's name.
        """
        try:
            manifest = cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ArtifactRefusedError(f"is not a manifest ({where}: {first['msg'].lower()})") from error
        if manifest.format != _FORMAT:
            raise ArtifactRefusedError(
                f"has format {manifest.format}, this release reads format {_FORMAT}; use a matching release"
            )
        if manifest.to_json() != content:
            raise ArtifactRefusedError("is not in canonical form: it was edited after it was published")
        return manifest

    @property
    def digest(self) -> str:
        """BLAKE3 (hex) of `to_json`; it names every file's digest, so it commits to the whole artifact."""
        return blake3(self.to_json()).hexdigest()

    @property
    def content_digest(self) -> str:
        """Like `digest`, but the same for two versions that differ in nothing but their number."""
        return blake3(canonical_json(self.model_dump(exclude={"version"}))).hexdigest()

    @property
    def gates_met(self) -> bool:
        """Whether every gate was met when the model was made."""
        return all(gate.met for gate in self.gates)

    def specification(self) -> InputSpec:
        """The input specification as the type it was written from.

        Raises:
            ArtifactRefusedError: it is not one that this release knows.
        """
        try:
            return TypeAdapter(InputSpec).validate_python(self.input_spec)
        except ValidationError as error:
            raise ArtifactRefusedError(
                f"the input specification of {self.task} {self.version} is not one this release knows; use "
                f"the release it was made with"
            ) from error


def digest_file(content: bytes) -> FileDigest:
    """Size and digest of a file's content."""
    return FileDigest(bytes=len(content), blake3=blake3(content).hexdigest())


def canonical_json(value: object, indent: int | None = None) -> bytes:
    """The same value gives the same bytes: names sorted, UTF-8, a line feed at the end.

    Every JSON reader can read it: NaN and the infinities, which JSON lacks, are written as the strings
    ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.

    Raises:
        InputError: a value that is not JSON, or a text that is not Unicode.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(
            _plain(value),
            sort_keys=True,
            ensure_ascii=False,
            allow_nan=False,
            indent=indent,
            separators=separators,
        )
        return text.encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a value cannot be written as JSON: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
