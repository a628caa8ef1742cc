"""Whether a published model is whole and fits this release."""

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError, ExtraMissingError, GraphError
from dwcp.registry import Check, Manifest, Registry, Verification, check_fingerprint
from dwcp.serving.runtime import OnnxGraph
from dwcp.task import Task
from dwcp.tasks import discover

__all__ = ["require_sound", "verify_all", "verify_version"]

_FINGERPRINT = "fingerprint"
_ANSWERS = "golden answers"


def verify_all(registry: Registry, task: str | None = None) -> list[Verification]:
    """Every version of a task, or of every task.

    Raises:
        ArtifactNotFoundError: there is no such task.
        RegistryError: the registry cannot be read.
    """
    lines = [line for line in registry.list() if task in (None, line.task)]
    if task is not None and not lines:
        registry.history(task)
        raise ArtifactNotFoundError(f"no task {task!r} in the registry {registry.root}")
    return [verify_version(registry, line.task, line.version) for line in lines]


def verify_version(registry: Registry, task: str, reference: str) -> Verification:
    """Digests, then the fingerprint against this release's task, then the golden answers.

    Without onnxruntime the answers are not asked for. A task this release does not know has no fingerprint
    to be held against.

    Raises:
        RegistryError: there is no such version, or the registry cannot be read.
    """
    found = registry.verify(task, reference)
    if not found.passed:
        return found
    checks = [*found.checks]
    artifact = registry.load(task, found.version)
    known: Task | None = discover().get(task)
    if known is not None:
        checks.append(_fingerprint_check(artifact.manifest, known))
    try:
        graph = OnnxGraph(artifact.model)
        checks.append(registry.verify(task, found.version, graph).checks[-1])
    except ExtraMissingError:
        pass
    except (ArtifactRefusedError, GraphError) as error:
        checks.append(Check(_ANSWERS, f"{task} {found.version}: {error}"))
    return Verification(found.task, found.version, tuple(checks))


def require_sound(registry: Registry, task: str, reference: str) -> Manifest:
    """The manifest of a version that passes every check.

    Raises:
        ArtifactRefusedError: it does not; the message is the first problem's.
        RegistryError: there is no such version, or the registry cannot be read.
    """
    found = verify_version(registry, task, reference)
    problem = next((check.problem for check in found.checks if not check.passed), None)
    if problem is not None:
        raise ArtifactRefusedError(problem)
    return registry.load(task, found.version).manifest


def _fingerprint_check(manifest: Manifest, task: Task) -> Check:
    try:
        check_fingerprint(manifest, task.input_spec)
    except ArtifactRefusedError as error:
        return Check(_FINGERPRINT, str(error))
    return Check(_FINGERPRINT)
