"""A draft: everything a model is published with, before it has a version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from dwcp.errors import InputError
from dwcp.evaluation.gates import GateResult
from dwcp.features.spec import InputSpec
from dwcp.registry.golden import Golden
from dwcp.registry.layout import CARD, GOLDEN, MODEL, REPORT
from dwcp.registry.manifest import GateRecord, Manifest, OutputRecord, canonical_json, digest_file
from dwcp.task import OutputColumn

__all__ = ["Draft"]

_PICKLED = (b"\x80", b"PK")
"""How a pickle, and an archive of pickles, begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A trained model with what goes beside it. The same draft always gives the same files."""

    input_spec: InputSpec
    """What the graph is fed; names the task."""
    outputs: tuple[OutputColumn, ...]
    """What the graph answers, in its order."""
    kind: str
    """How the task learns: ``batch``, ``online`` or ``index``."""
    model: bytes
    """The ONNX graph, serialised."""
    golden: Golden
    """Inputs and the answers any runtime must give, made with the exported graph."""
    card: str
    """The model card, Markdown."""
    report: Mapping[str, object]
    """The evaluation's report, as JSON values."""
    metrics: Mapping[str, Mapping[str, float]]
    """Policy name to metric name to figure: the model beside its baselines, on the same held-out rows."""
    gates: tuple[GateResult, ...]
    """Each gate with the figure it was held against."""
    data: str
    """What the model was trained on, in words."""
    data_fingerprint: str
    """Digest of the training data."""
    seed: int
    """The seed every random choice came from."""
    libraries: Mapping[str, str]
    """Name to version of what took part in training and export."""
    instruction_set: str
    """The processor's instruction set; the same seed gives the same weights on the same one only."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.input_spec.task

    def files(self) -> dict[str, bytes]:
        """The content of every file but the manifest, by name.

        Raises:
            InputError: the model is a pickle, or the report or golden vectors cannot be written as JSON, or
                the golden vectors do not name the graph's inputs and outputs.
        """
        if self.model.startswith(_PICKLED):
            raise InputError(f"the model of {self.task} is a pickle; export it to ONNX")
        _same_names("inputs", set(self.golden.inputs), {column.name for column in self.input_spec.columns})
        _same_names("outputs", set(self.golden.outputs), {column.name for column in self.outputs})
        return {
            MODEL: self.model,
            GOLDEN: self.golden.to_json(),
            CARD: self.card.encode(),
            REPORT: canonical_json(dict(self.report), indent=2),
        }

    def manifest(self, version: str) -> Manifest:
        """The manifest this draft has as that version.

        Raises:
            InputError: a field cannot stand in a manifest, or the files cannot be made.
        """
        try:
            manifest = Manifest(
                task=self.task,
                version=version,
                kind=self.kind,
                input_spec=self.input_spec.as_json(),
                fingerprint=self.input_spec.fingerprint,
                outputs=tuple(OutputRecord(**asdict(column)) for column in self.outputs),
                metrics={policy: dict(figures) for policy, figures in self.metrics.items()},
                gates=tuple(_record(result) for result in self.gates),
                data=self.data,
                data_fingerprint=self.data_fingerprint,
                seed=self.seed,
                libraries=dict(self.libraries),
                instruction_set=self.instruction_set,
                files={name: digest_file(content) for name, content in self.files().items()},
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{self.task} cannot be published: {where}: {first['msg'].lower()}") from error
        # What cannot be written is refused here, before anything else is done.
        manifest.to_json()
        return manifest


def _record(result: GateResult) -> GateRecord:
    gate = result.gate
    return GateRecord(
        metric=gate.metric, limit=gate.limit, direction=gate.direction, figure=result.figure, met=result.met
    )


def _same_names(side: str, found: set[str], expected: set[str]) -> None:
    if found != expected:
        raise InputError(f"the golden vectors hold {side} {sorted(found)}, the graph has {sorted(expected)}")
