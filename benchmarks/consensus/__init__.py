"""A real etcd cluster with faults done to it, recorded second by second."""
