"""Which files a command means by the paths that it was given, and what they are to be called."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """A file, and where it is in the folder that was named: the name of the document comes from there."""

    path: Path
    place: Path

    @property
    def kind(self) -> str:
        """The ending of its name, in small letters and without the dot."""
        return self.path.suffix.lower().removeprefix(".")


def find_files(paths: Iterable[Path]) -> list[Found]:
    """Every file once, folders with all that is in them, in a stable order. Hidden ones only when named themselves."""
    found = {file.path.resolve(): file for path in paths for file in _files_of(path)}
    return list(found.values())


def document_names(files: Sequence[Found]) -> list[str]:
    """The file's own name; with its folders in front where that alone would make one document of two files."""
    times = Counter(file.place.name.lower() for file in files)
    return [file.place.name if times[file.place.name.lower()] == 1 else " - ".join(file.place.parts) for file in files]


def _files_of(path: Path) -> list[Found]:
    if not path.is_dir():
        return [Found(path, Path(path.name))]
    return [Found(file, file.relative_to(path)) for file in sorted(_walk(path))]


def _walk(folder: Path) -> Iterable[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(here, name) for name in names if not name.startswith(".") and Path(here, name).is_file())
