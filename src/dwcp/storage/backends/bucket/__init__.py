"""Stores in a bucket, through obstore; imported where one is opened, and nowhere else."""

from dwcp.storage.backends.bucket.backend import BucketBackend
from dwcp.storage.backends.bucket.s3 import open_s3

__all__ = ["BucketBackend", "open_s3"]
