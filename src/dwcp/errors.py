"""Every error the package raises on purpose, in one tree.

::

    DwcpError
    ├── InputError                 what the caller gave cannot be used: fix it, then ask again
    │   ├── SettingsError          a settings file, variable or flag
    │   └── SchemaError            a table whose columns, types or labels are not what they should be
    ├── CodecError
    │   ├── CorruptBlockError      stored bytes that do not give back what went in
    │   ├── BlockTooLargeError     a block that declares more than the caller allows
    │   └── ReferenceMissingError  a delta whose reference is not at hand        (retryable)
    ├── RecordRefusedError         a telemetry record that is not content-free or not in the schema
    ├── TrainingError
    │   ├── ExtraMissingError      an optional dependency is not installed
    │   └── ParityError            the exported graph does not equal the trained model
    ├── RegistryError
    │   ├── ArtifactNotFoundError
    │   └── ArtifactRefusedError   wrong digest, wrong fingerprint, wrong answers
    ├── GraphError                 a model's graph could not be run on what it was given
    ├── StorageError               the disk is full, fails or may not be written (retryable)
    ├── StoreError                 a store cannot do what was asked
    │   ├── ObjectNotFoundError    a backend has no object of that name
    │   ├── BlockNotFoundError     the store does not have that block, or its pack is gone
    │   ├── CorruptPackError       a pack that is not what was written
    │   ├── CorruptIndexError      an index that cannot be read: rebuild it from the packs
    │   └── StoreLockedError       somebody else writes to the store               (retryable)
    └── TransferError
        ├── ProtocolError          the other side does not speak by the rules
        ├── AuthenticationError    the other side is not who it should be, or we are not to it
        ├── TransferRefusedError   what was offered is not taken, or not safe to take
        ├── ConnectionLostError    the connection ended or stalled               (retryable)
        └── SourceChangedError     the source changed while it was read          (retryable)

Each message is one sentence or two: what is wrong, where, and what to do about it. ``retryable`` says
whether the same call may succeed later with nothing changed by the caller. What is drawn is the rule of a
class; an error that knows better says no, as one of a disk does that may not be written.
"""

import errno
from typing import Self

__all__ = [
    "ArtifactNotFoundError",
    "ArtifactRefusedError",
    "AuthenticationError",
    "BlockNotFoundError",
    "BlockTooLargeError",
    "CodecError",
    "ConnectionLostError",
    "CorruptBlockError",
    "CorruptIndexError",
    "CorruptPackError",
    "DwcpError",
    "ExtraMissingError",
    "GraphError",
    "InputError",
    "ObjectNotFoundError",
    "ParityError",
    "ProtocolError",
    "RecordRefusedError",
    "ReferenceMissingError",
    "RegistryError",
    "SchemaError",
    "SettingsError",
    "SourceChangedError",
    "StorageError",
    "StoreError",
    "StoreLockedError",
    "TrainingError",
    "TransferError",
    "TransferRefusedError",
]


_LASTING = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG),
    }
)
"""Of a path that may not be used, or cannot be: somebody has to change something."""


class DwcpError(Exception):
    """The root: catch this to catch everything the package raises on purpose.

    Attributes:
        retryable: whether the same call may succeed later with nothing changed by the caller.
    """

    retryable: bool = False


class InputError(DwcpError):
    """What the caller gave cannot be used."""


class SettingsError(InputError):
    """A settings file, environment variable or flag cannot be used."""


class SchemaError(InputError):
    """A table's columns, types or labels are not what they should be."""


class CodecError(DwcpError):
    """A block could not be encoded or decoded."""


class CorruptBlockError(CodecError):
    """Stored bytes that do not give back what went in."""


class BlockTooLargeError(CodecError):
    """A block that declares more plain bytes than the caller allows."""


class ReferenceMissingError(CodecError):
    """A delta whose reference is not at hand; fetch it, then try again."""

    retryable: bool = True


class RecordRefusedError(DwcpError):
    """A telemetry record that is not content-free or not in the schema."""


class TrainingError(DwcpError):
    """Training could not be done or did not give a model that may be published."""


class ExtraMissingError(TrainingError):
    """An optional dependency is not installed; the message names the extra."""


class ParityError(TrainingError):
    """The exported graph does not equal the trained model."""


class RegistryError(DwcpError):
    """The registry cannot do what was asked."""


class ArtifactNotFoundError(RegistryError):
    """No such task, version or alias."""


class ArtifactRefusedError(RegistryError):
    """An artifact whose digest, fingerprint or golden answers do not match."""


class GraphError(DwcpError):
    """A model's graph could not be run on what it was given."""


class StorageError(DwcpError):
    """The disk is full, fails or may not be written; nothing that stood before was touched."""

    retryable: bool = True

    @classmethod
    def of(cls, error: OSError, message: str) -> Self:
        """What the operating system said of a file; not retryable where the same would be said again.

        Args:
            error: what it said.
            message: what is wrong, where, and what to do about it.
        """
        made = cls(message)
        made.retryable = error.errno not in _LASTING
        return made


class StoreError(DwcpError):
    """A store cannot do what was asked."""


class ObjectNotFoundError(StoreError):
    """A backend has no object of that name."""


class BlockNotFoundError(StoreError):
    """The store does not have that block, or the pack that held it is gone."""


class CorruptPackError(StoreError):
    """A pack that is not what was written."""


class CorruptIndexError(StoreError):
    """An index that cannot be read; it can be built again from the packs."""


class StoreLockedError(StoreError):
    """Somebody else writes to the store; wait until they are done."""

    retryable: bool = True


class TransferError(DwcpError):
    """A transfer did not succeed; what was verified stays where a later one finds it."""


class ProtocolError(TransferError):
    """The other side does not speak by the rules, or not this version of them."""


class AuthenticationError(TransferError):
    """The other side did not show that it may, or that it is the one that was meant."""


class TransferRefusedError(TransferError):
    """What was offered is not taken, or not safe to take."""


class ConnectionLostError(TransferError):
    """The connection ended, could not be made, or stalled."""

    retryable: bool = True


class SourceChangedError(TransferError):
    """The source changed while it was read, again and again."""

    retryable: bool = True
