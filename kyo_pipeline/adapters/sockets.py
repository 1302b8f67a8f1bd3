"""Where a server's Unix socket can lie: the kernel takes no path of more than 107 bytes."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from kyo_pipeline.errors import Unavailable

_LONGEST = 107


def socket_folder(preferred: Path, socket_name: str, *, uid: int, gid: int) -> Path:
    """`preferred`, or a private folder in the system's temporary one where the path would be too long."""
    if len(os.fsencode(preferred / socket_name)) <= _LONGEST:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    return _private(Path(tempfile.gettempdir()) / f"kyo-{uid}-{digest}", uid, gid)


def _private(folder: Path, uid: int, gid: int) -> Path:
    try:
        folder.mkdir(mode=0o700)
        if uid != os.geteuid():
            os.chown(folder, uid, gid)
    except FileExistsError:
        pass
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}. Choose a shorter path for KYO_HOME.") from error
    found = folder.lstat()
    # Others can make folders beside it: one that they own, or a link, would give them our connections.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise Unavailable(f"{folder} is not a private folder. Remove it, or choose a shorter path for KYO_HOME.")
    return folder
