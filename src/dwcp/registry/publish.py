"""Publishing: written beside under a lock, renamed when whole, taken back when anything after that fails."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from dwcp.errors import ArtifactRefusedError, RegistryError
from dwcp.registry._disk import exclusive, make_folder, storage_errors, sync_folder, write_file
from dwcp.registry.artifact import ArtifactRef, read_artifact, read_manifest
from dwcp.registry.draft import Draft
from dwcp.registry.journal import History, append, cut, new_entry, read_history
from dwcp.registry.layout import LATEST, MANIFEST, TaskFolder, parse_version
from dwcp.registry.manifest import Manifest

__all__ = ["next_version", "publish"]

_STAGING = ".staging"
_STAGING_LINK = ".latest"
# Stands in for a version that is not chosen yet: the content digest leaves it out.
_NO_VERSION = "0.0.0"


def publish(root: Path, draft: Draft, version: str | None, *, now: float, who: str, why: str) -> ArtifactRef:
    """Give a draft a version and make it stand, all or nothing.

    A draft whose content stands already, whole, under some version gets that version back and nothing is
    written twice.

    Args:
        root: the registry's folder; made when missing.
        draft: what to publish.
        version: the version to give it; None for `next_version`.
        now: seconds since 1970, for the journal.
        who: for the journal.
        why: for the journal.

    Raises:
        InputError: the draft cannot be written, or ``version`` is not one.
        RegistryError: ``version`` stands already with other content, or the journal is damaged.
        StorageError: the disk is full or may not be written; what stood before still stands.
    """
    if version is not None:
        parse_version(version)
    manifest = draft.manifest(version or _NO_VERSION)
    folder = TaskFolder(root, draft.task)
    with storage_errors(folder.path):
        make_folder(folder.path)
        with exclusive(folder.path), ExitStack() as undo:
            history = read_history(folder.journal)
            found = _standing(folder, history, manifest)
            if found is None:
                chosen = version or next_version(folder, history, manifest.fingerprint)
                manifest = manifest.model_copy(update={"version": chosen})
                _refuse_reuse(folder, history, manifest)
                _stand(folder, manifest, draft.files(), undo)
                found = ArtifactRef(draft.task, chosen, manifest.digest)
            entry = new_entry(
                now=now, who=who, action="publish", version=found.version, digest=found.digest, why=why
            )
            if history.digest_of(found.version) is None:
                append(folder.journal, entry)
                undo.callback(cut, folder.journal, history.whole_bytes)
            _point_latest(folder, undo)
            undo.pop_all()
    return found


def next_version(folder: TaskFolder, history: History, fingerprint: str) -> str:
    """The version after the newest: 1.0.0, then the next minor, or the next major when the inputs changed.

    The number of a version that was deleted is not given again. Patch numbers are for those who give
    versions themselves.
    """
    known = {*folder.versions(), *history.versions()}
    if not known:
        return "1.0.0"
    newest = max(known, key=parse_version)
    major, minor, _ = parse_version(newest)
    try:
        changed = read_manifest(folder, newest, None).fingerprint != fingerprint
    except ArtifactRefusedError:
        # What that version was fed is unknown, so callers must not take the next for compatible.
        changed = True
    return f"{major + 1}.0.0" if changed else f"{major}.{minor + 1}.0"


def _standing(folder: TaskFolder, history: History, manifest: Manifest) -> ArtifactRef | None:
    """A version that stands whole with this content, newest first."""
    for version in reversed(folder.versions()):
        try:
            if read_manifest(folder, version, None).content_digest == manifest.content_digest:
                return read_artifact(folder, version, history.digest_of(version)).ref
        except ArtifactRefusedError:
            continue
    return None


def _refuse_reuse(folder: TaskFolder, history: History, manifest: Manifest) -> None:
    recorded = history.digest_of(manifest.version)
    deleted_but_other = recorded is not None and recorded != manifest.digest
    if deleted_but_other or folder.version(manifest.version).exists():
        raise RegistryError(
            f"{folder.task} {manifest.version} was published already with other content, and versions are "
            f"never overwritten; publish without a version to get the next one"
        )


def _stand(folder: TaskFolder, manifest: Manifest, files: dict[str, bytes], undo: ExitStack) -> None:
    final, staging = folder.version(manifest.version), folder.path / _STAGING
    # Left behind by a crash: nobody else can be writing here under the lock.
    shutil.rmtree(staging, ignore_errors=True)
    undo.callback(shutil.rmtree, staging, ignore_errors=True)
    staging.mkdir()
    for name, content in files.items():
        write_file(staging / name, content)
    write_file(staging / MANIFEST, manifest.to_json())
    sync_folder(staging)
    staging.rename(final)
    undo.callback(final.rename, staging)
    sync_folder(folder.path)


def _point_latest(folder: TaskFolder, undo: ExitStack) -> None:
    link, staging = folder.path / LATEST, folder.path / _STAGING_LINK
    newest = folder.versions()[-1]
    if link.is_symlink() and os.fspath(link.readlink()) == newest:
        return
    staging.unlink(missing_ok=True)
    undo.callback(staging.unlink, missing_ok=True)
    staging.symlink_to(newest)
    staging.replace(link)
