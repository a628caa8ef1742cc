"""Reading an artifact back: every file is held against its digest each time, before anyone uses it."""

from dataclasses import dataclass
from pathlib import Path

from dwcp.errors import ArtifactRefusedError
from dwcp.features.spec import InputSpec
from dwcp.registry.golden import Golden
from dwcp.registry.layout import FILES, GOLDEN, MANIFEST, MODEL, TaskFolder
from dwcp.registry.manifest import FileDigest, Manifest, digest_file
from dwcp.task import Graph

__all__ = [
    "Artifact",
    "ArtifactRef",
    "check_answers",
    "check_fingerprint",
    "read_artifact",
    "read_file",
    "read_golden",
    "read_manifest",
]


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """One published artifact: enough to say which model answered."""

    task: str
    version: str
    digest: str
    """BLAKE3 (hex) of the canonical manifest; it commits to every file."""


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """An artifact whose files all match their digests."""

    ref: ArtifactRef
    manifest: Manifest
    folder: Path
    model: bytes
    """The graph: the very bytes that were checked. Build the session from these, not from the file."""
    golden: Golden


def read_artifact(folder: TaskFolder, version: str, recorded_digest: str | None) -> Artifact:
    """Read a version and hold all of it against its digests.

    Args:
        folder: the task's place.
        version: a version that stands there.
        recorded_digest: the artifact digest from the journal; None when the journal has none.

    Raises:
        ArtifactRefusedError: a file is missing, changed or cannot be read.
    """
    manifest = read_manifest(folder, version, recorded_digest)
    where = folder.version(version)
    contents = {name: read_file(where / name, manifest.files[name]) for name in FILES}
    golden = read_golden(where / GOLDEN, contents[GOLDEN])
    ref = ArtifactRef(folder.task, version, manifest.digest)
    return Artifact(ref, manifest, where, contents[MODEL], golden)


def read_manifest(folder: TaskFolder, version: str, recorded_digest: str | None) -> Manifest:
    """Read the manifest of a version and check that it speaks of this task, this version and these files.

    Raises:
        ArtifactRefusedError: it does not, or differs from what the journal recorded.
    """
    path = folder.version(version) / MANIFEST
    try:
        manifest = Manifest.from_json(_read(path))
    except ArtifactRefusedError as error:
        raise _refused(path, str(error)) from error
    if (manifest.task, manifest.version) != (folder.task, version):
        raise _refused(path, f"speaks of {manifest.task} {manifest.version}")
    if set(manifest.files) != set(FILES):
        raise _refused(path, f"names the files {sorted(manifest.files)}, expected {sorted(FILES)}")
    if recorded_digest is not None and manifest.digest != recorded_digest:
        raise _refused(path, f"has digest {manifest.digest}, the journal recorded {recorded_digest}")
    return manifest


def read_file(path: Path, expected: FileDigest) -> bytes:
    """Read one file of an artifact and hold it against its digest.

    Raises:
        ArtifactRefusedError: it is missing, changed or cannot be read.
    """
    content = _read(path)
    found = digest_file(content)
    if found != expected:
        raise _refused(
            path,
            f"has {found.bytes} bytes with BLAKE3 {found.blake3}, the manifest says {expected.bytes} bytes "
            f"with {expected.blake3}",
        )
    return content


def read_golden(path: Path, content: bytes) -> Golden:
    """Golden vectors from the content of the file at ``path``.

    Raises:
        ArtifactRefusedError: the content is not golden vectors.
    """
    try:
        return Golden.from_json(content)
    except ArtifactRefusedError as error:
        raise _refused(path, str(error)) from error


def check_fingerprint(manifest: Manifest, input_spec: InputSpec) -> None:
    """Refuse a model that was made for other inputs than the caller would feed it.

    Raises:
        ArtifactRefusedError: the fingerprints differ.
    """
    if manifest.fingerprint != input_spec.fingerprint:
        raise ArtifactRefusedError(
            f"{manifest.task} {manifest.version} was made for inputs with fingerprint "
            f"{manifest.fingerprint}, this release feeds {input_spec.fingerprint}; train it again, or use "
            f"the release it was made with"
        )


def check_answers(artifact: Artifact, graph: Graph) -> None:
    """Refuse a graph that does not give the artifact's golden answers.

    Raises:
        ArtifactRefusedError: an answer is missing or off; the message names the outputs.
        DwcpError: whatever the graph raises when it cannot be run.
    """
    result = artifact.golden.compare(graph)
    if not result.matches:
        raise ArtifactRefusedError(
            f"{artifact.ref.task} {artifact.ref.version} does not give its golden answers on this machine "
            f"({'; '.join(result.problems)}); use another runtime or train it again"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _refused(path, "is missing") from error
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error


def _refused(path: Path, fault: str) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        f"{path} {fault}; do not use this version: put the file back from a copy, or promote another version"
    )
