"""What a bucket's service says, in words that tell what to do."""

import re

from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError

from dwcp.errors import DwcpError, ObjectNotFoundError, StorageError

__all__ = ["ConditionFailed", "is_past_the_end", "translated"]

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_NO_KEYS = (
    "169.254.169.254",
    "169.254.170.2",
    "CredentialsNotLoaded",
    "InstanceCredential",
    "MissingCredential",
)
_MAX_WORDS = 200
_BUSY = frozenset({408, 409, 425, 429})
_REFUSED = frozenset({401, 403})


class ConditionFailed(DwcpError):  # noqa: N818 - an answer; never leaves this package
    """An object was changed since, or is there already."""


def translated(error: Exception, shown: str, name: str) -> DwcpError:
    """One of our errors for one of the library's.

    Args:
        error: what it raised.
        shown: where the store is.
        name: of the object; ``""`` for the list of them.
    """
    text = str(error)
    status, code = _first(_STATUS, text), _first(_CODE, text)
    where = f"{shown}/{name}" if name else shown
    if code == "NoSuchBucket":
        return _failure(f"there is no bucket of that name: {shown}; make it first, or check the endpoint")
    if isinstance(error, AlreadyExistsError | PreconditionError):
        return ConditionFailed(f"{where} was changed by somebody else")
    if isinstance(error, FileNotFoundError):
        return ObjectNotFoundError(f"there is no object {name} in {shown}")
    if any(sign in text for sign in _NO_KEYS):
        return _failure(
            f"there are no keys for {shown}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then try again"
        )
    if isinstance(error, NotSupportedError) or status == "501":
        return _failure(f"the service of {shown} lacks what a store needs, such as writing on a condition")
    if status:
        return _answered(int(status), code, where)
    if "HTTP error" in text:
        return _failure(f"{where} cannot be reached; check network and endpoint, then try again", True)
    if "redirect" in text:
        return _failure(f"{shown} lies elsewhere; set AWS_REGION or AWS_ENDPOINT_URL to where it is")
    return _failure(f"{where} cannot be used: {_words(error)}")


def is_past_the_end(error: Exception) -> bool:
    """Whether an object is there, and what was asked of it begins after its end."""
    text = str(error)
    return _first(_STATUS, text) == "416" or "Invalid range" in text


def _answered(status: int, code: str, where: str) -> StorageError:
    said = f"HTTP {status} {code}".rstrip()
    if status in _REFUSED:
        return _failure(f"{where} may not be used: {said}; check the keys and what they allow")
    if status >= 500 or status in _BUSY:
        return _failure(f"the service does not answer for {where}: {said}; try again later", True)
    return _failure(f"{where} cannot be used: {said}; check its name, endpoint and region")


def _failure(words: str, retryable: bool = False) -> StorageError:
    made = StorageError(words)
    made.retryable = retryable
    return made


def _words(error: Exception) -> str:
    """What is on the first line, without where the library was when it happened."""
    return str(error).partition("\n")[0][:_MAX_WORDS]


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
