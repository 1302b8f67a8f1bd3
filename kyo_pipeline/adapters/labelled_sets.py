"""Reads and writes a labelled set: corpus.jsonl, queries.jsonl, qrels.tsv, and the originals in docs/.

corpus.jsonl   {"id", "title", "text", "meta": {"document", "file"}?} a line
queries.jsonl  {"id", "text", "answers"?, "meta": {"answerable", "document", "split"}?} a line
qrels.tsv      a header, then question, passage and grade with tabs between them; above 0 is relevant
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from kyo_pipeline.domain.labelled import LabelledPassage, LabelledQuestion, LabelledSet
from kyo_pipeline.errors import Conflict, Invalid

_CORPUS, _QUESTIONS, _JUDGEMENTS, _ORIGINALS = "corpus.jsonl", "queries.jsonl", "qrels.tsv", "docs"
_NAME_PARTS = 2
_COLUMNS = 3

Row = Mapping[str, object]
One = TypeVar("One", LabelledPassage, LabelledQuestion)


def read_set(folder: Path) -> LabelledSet:
    """The set in a folder. Raises `Invalid` that names file and line of the first mistake."""
    passages = _read(folder / _CORPUS, _passage)
    questions = _read(folder / _QUESTIONS, _question)
    if not passages:
        raise Invalid(f"{folder / _CORPUS}: there is no passage in it.")
    ids = {question.id for question in questions}, {passage.id for passage in passages}
    relevant = _judgements(folder / _JUDGEMENTS, *ids)
    return LabelledSet(
        name="/".join(folder.resolve().parts[-_NAME_PARTS:]),
        passages=tuple(passages),
        questions=tuple(questions),
        relevant=relevant,
        originals=_originals(folder / _ORIGINALS),
    )


def write_set(
    folder: Path,
    passages: Iterable[LabelledPassage],
    questions: Iterable[LabelledQuestion],
    relevant: Mapping[str, Sequence[str]],
    originals: Iterable[tuple[str, Path]] = (),
) -> None:
    """Write a set into an empty or new folder, for its owner alone. `originals` are names and the files to copy.

    `relevant` maps the ids of questions to those of passages. Raises `Conflict` when there is something in the folder,
    `Invalid` when it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Conflict(f"{folder} is not empty. Name a folder that is, or a new one.")
        _write(folder / _CORPUS, (json.dumps(_passage_row(one), ensure_ascii=False) for one in passages))
        _write(folder / _QUESTIONS, (json.dumps(_question_row(one), ensure_ascii=False) for one in questions))
        judged = (f"{question}\t{passage}\t1" for question, found in relevant.items() for passage in found)
        _write(folder / _JUDGEMENTS, ("query-id\tcorpus-id\tscore", *judged))
        for name, path in originals:
            (folder / _ORIGINALS).mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(path, folder / _ORIGINALS / name)
    except OSError as error:
        raise Invalid(f"{folder} cannot be written: {error.strerror}.") from error


def _passage_row(passage: LabelledPassage) -> Row:
    meta = {"document": passage.document, **({"file": passage.file} if passage.file else {})}
    return {"id": passage.id, "title": passage.title, "text": passage.text, "meta": meta}


def _question_row(question: LabelledQuestion) -> Row:
    meta = {"answerable": question.answerable} if question.answerable is not None else {}
    return {"id": question.id, "text": question.text, "answers": list(question.answers), "meta": meta}


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        path.chmod(0o600)
        file.writelines(f"{line}\n" for line in lines)


def _read(path: Path, make: Callable[["_Line"], One]) -> list[One]:
    made: dict[str, One] = {}
    for line in _lines(path):
        one = make(line)
        if one.id in made:
            raise line.wrong(f"the id {one.id!r} has been used before")
        made[one.id] = one
    return list(made.values())


class _Line:
    """One JSON object of a file, with its place for whoever has to put it right."""

    def __init__(self, path: Path, number: int, text: str) -> None:
        self._place = f"{path}, line {number}"
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            raise self.wrong("this is not JSON") from None
        if not isinstance(row, dict):
            raise self.wrong("this is not a JSON object")
        self._row: Row = row

    def wrong(self, what: str) -> Invalid:
        return Invalid(f"{self._place}: {what}.")

    def text(self, name: str, *, default: str | None = None) -> str:
        """The database holds no U+0000, and no parser gives any."""
        value = self._row.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and name == "id":
            value = str(value)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(f"{name!r} must be a text")
        return value.replace("\0", "")

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._row.get(name) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            raise self.wrong(f"{name!r} must be a list of texts")
        return tuple(part for part in value if part.strip())

    def meta(self, name: str, kind: type) -> object:
        meta = self._row.get("meta") or {}
        if not isinstance(meta, dict):
            raise self.wrong("'meta' must be an object")
        value = meta.get(name)
        if value is not None and not isinstance(value, kind):
            raise self.wrong(f"meta.{name} must be a {'text' if kind is str else 'truth value'}")
        return value


def _passage(line: _Line) -> LabelledPassage:
    identity = line.text("id")
    document, file = line.meta("document", str), line.meta("file", str)
    return LabelledPassage(
        id=identity,
        title=line.text("title", default="").strip() or identity,
        text=line.text("text", default=""),
        document=str(document or identity),
        file=None if file is None else str(file),
    )


def _question(line: _Line) -> LabelledQuestion:
    answerable = line.meta("answerable", bool)
    document, split = line.meta("document", str), line.meta("split", str)
    return LabelledQuestion(
        id=line.text("id"),
        text=line.text("text"),
        answers=line.texts("answers"),
        answerable=None if answerable is None else bool(answerable),
        document=None if document is None else str(document),
        split=None if split is None else str(split),
    )


def _judgements(path: Path, questions: Collection[str], passages: Collection[str]) -> dict[str, dict[str, int]]:
    relevant: dict[str, dict[str, int]] = {}
    for number, line in _numbered(path):
        if number == 1:  # the header
            continue
        place = f"{path}, line {number}"
        columns = line.rstrip("\r\n").split("\t")
        if len(columns) < _COLUMNS:
            raise Invalid(f"{place}: question, passage and grade are wanted, with tabs between them.")
        question, passage, grade = (column.strip() for column in columns[:_COLUMNS])
        _require_known(place, "queries.jsonl", question, questions)
        _require_known(place, "corpus.jsonl", passage, passages)
        try:
            if int(grade) > 0:
                relevant.setdefault(question, {})[passage] = int(grade)
        except ValueError:
            raise Invalid(f"{place}: the grade {grade!r} is not a whole number.") from None
    return relevant


def _require_known(place: str, file: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise Invalid(f"{place}: there is no {name!r} in {file}.")


def _originals(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")))


def _lines(path: Path) -> Iterator[_Line]:
    for number, line in _numbered(path):
        yield _Line(path, number, line)


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers. Raises `Invalid` when the file cannot be read as UTF-8."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _not_empty(file)
    except UnicodeDecodeError:
        raise Invalid(f"{path}: this is not UTF-8 text.") from None
    except FileNotFoundError:
        raise Invalid(f"{path} is missing: a labelled set has corpus.jsonl, queries.jsonl and qrels.tsv.") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error


def _not_empty(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
