"""What a child process gives up before it sees a file, so that a file which takes it over finds little to use."""

import ctypes
import os
import resource
import sys
from contextlib import suppress

_NO_NEW_PRIVILEGES = 38
_NEW_USER_NAMESPACE = 0x10000000
_NEW_NETWORK = 0x40000000


def confine(memory_mb: int) -> None:
    """Limit memory; no core dumps, no writing to files, no processes, and where Linux lets us: no network."""
    for limit, value in (
        (resource.RLIMIT_CORE, 0),  # a core dump would hold the text of the file, or a password
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            _leave_network(ctypes.CDLL(None))


def _leave_network(libc: ctypes.CDLL) -> None:
    """Move to a network without a way out. Refused in many containers: then the container is the fence."""
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # Not for root: in a namespace of its own, root may no longer read the files of other users.
    libc.unshare(_NEW_NETWORK if os.geteuid() == 0 else _NEW_USER_NAMESPACE | _NEW_NETWORK)
