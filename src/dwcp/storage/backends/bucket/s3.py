"""S3, and what speaks as it does, by the environment that AWS's own tools read."""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from blake3 import blake3
from obstore.exceptions import BaseError
from obstore.store import S3Store

from dwcp.errors import InputError
from dwcp.storage.backends.bucket.backend import BucketBackend
from dwcp.storage.backends.cache import cache_folder

__all__ = ["open_s3"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_=+,@. -]+(?:/[A-Za-z0-9_=+,@. -]+)*")
_VENDOR = Path("/sys/class/dmi/id/sys_vendor")
_GIVE_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SKIP_SIGNATURE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_TAKEN = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_default_region",
    "aws_skip_signature",
    "aws_virtual_hosted_style_request",
)
_CONNECT = timedelta(seconds=10)
_REQUEST = timedelta(seconds=300)
"""Of one request, with all of a pack: 64 MiB at 2 Mbit/s."""
_RETRIES = timedelta(seconds=120)
"""After so long a request is not tried again. With the last one it must be over well within a lease."""
_RETRY_COUNT = 8


def open_s3(url: str, environment: Mapping[str, str] = os.environ) -> BucketBackend:
    """A place in a bucket. Nothing is asked of the service yet.

    Args:
        url: ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.
        environment: has ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, or says where a machine of
            AWS gets them; may have ``AWS_SESSION_TOKEN``, ``AWS_REGION`` and ``AWS_ENDPOINT_URL``.

    Raises:
        InputError: the URL or the endpoint cannot be used.
    """
    bucket, prefix = _parts(url)
    _check_keys(environment, url)
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    shown = f"s3://{bucket}/{prefix}".rstrip("/")
    try:
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config=_config(environment, endpoint),  # type: ignore[arg-type]
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": _CONNECT,
                "timeout": _REQUEST,
            },
            retry_config={"max_retries": _RETRY_COUNT, "retry_timeout": _RETRIES},
        )
    except (BaseError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise InputError(f"{shown} cannot be used: {said}; check the variables AWS_*") from error
    store_id = blake3(f"{endpoint}\n{bucket}\n{prefix}".encode()).hexdigest(16)
    return BucketBackend(store, shown, socket.gethostname(), cache_folder(store_id, environment))


def _parts(url: str) -> tuple[str, str]:
    bucket, _, rest = url.partition("://")[2].partition("/")
    prefix = rest.strip("/")
    if "@" in bucket or ":" in bucket:
        raise InputError("keys and ports have no place in s3://BUCKET/PREFIX; give them as variables AWS_*")
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f"a store in S3 is named s3://BUCKET/PREFIX, and {bucket!r} is no name of a bucket")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise InputError(f"{prefix!r} is no prefix of names in a bucket; use letters, digits, - and /")
    return bucket, prefix


def _check_keys(environment: Mapping[str, str], url: str) -> None:
    """Say at once that there are no keys, where the library would ask AWS's machines for them in vain."""
    if any(environment.get(name) for name in _GIVE_KEYS):
        return
    with suppress(OSError):
        if "Amazon" in _VENDOR.read_text("utf-8", "replace"):
            return
    raise InputError(
        f"there are no keys for {url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then try again"
    )


def _config(environment: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """What the library is told: it would take it from the process's environment alone."""
    found = {name.lower(): value for name, value in environment.items() if name.startswith("AWS_") and value}
    given = {name: found[name] for name in _TAKEN if name in found}
    if endpoint:
        _check_endpoint(endpoint)
        given["aws_endpoint_url"] = endpoint
    return given


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not re.fullmatch("[!-~]+", endpoint):
        raise InputError("AWS_ENDPOINT_URL is no address such as https://s3.example.org:9000")
