"""Passwords of files that are locked: asked for at the terminal, or read from a file. Never an argument."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from rich.progress import Progress

from kyo_app.commands.output import printable
from kyo_pipeline.errors import Invalid, PasswordNeeded

_TRIES = 3
_LONGEST = 4096  # bytes
_HOW = "Its password is asked for at a terminal, or read from --password-file."

Done = TypeVar("Done")


class Passwords:
    """What opened one file is tried on the next ones too, for as long as the command runs."""

    def __init__(self, file: Path | None) -> None:
        self._known = _lines(file) if file is not None else []
        self._progress: Progress | None = None

    @contextmanager
    def asked_beside(self, progress: Progress) -> Iterator[None]:
        """A bar that moves would write over the question."""
        self._progress = progress
        try:
            yield
        finally:
            self._progress = None

    def opening(self, path: Path, deed: Callable[[str | None], Done]) -> Done:
        """Do it without a password, and where that is not enough with one that opens. Raises `Invalid`."""
        try:
            return deed(None)
        except PasswordNeeded:
            for password in self._known:
                try:
                    return deed(password)
                except PasswordNeeded:
                    continue
        return self._asking(path, deed)

    def _asking(self, path: Path, deed: Callable[[str | None], Done]) -> Done:
        if not sys.stdin.isatty():
            wrong = "None of the passwords opens it. " if self._known else ""
            raise Invalid(f"It is protected with a password. {wrong}{_HOW}")
        for _ in range(_TRIES):
            password = self._prompt(path)
            if not password:
                raise Invalid("It is protected with a password, and none was given.")
            try:
                done = deed(password)
            except PasswordNeeded:
                click.echo("That password does not open it.", err=True)
                continue
            self._known.append(password)
            return done
        raise Invalid("It is protected with a password, and none of those that were typed opens it.")

    def _prompt(self, path: Path) -> str:
        if self._progress is not None:
            self._progress.stop()
        try:
            text = f"Password of {printable(path.name)} (Enter to skip it)"
            return str(click.prompt(text, default="", hide_input=True, show_default=False, err=True))
        finally:
            if self._progress is not None:
                self._progress.start()


def _lines(file: Path) -> list[str]:
    """One password a line."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read as text.") from error
    if len(text) > _LONGEST:
        raise Invalid(f"{file} is too long: it holds one password a line, {_LONGEST} bytes in all.")
    return [line for line in text.splitlines() if line]
