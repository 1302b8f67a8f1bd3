"""Folders with labelled questions: good ones, and what is said about bad ones."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.adapters.labelled_sets import read_set, write_set
from kyo_pipeline.domain.labelled import LabelledPassage, LabelledQuestion
from kyo_pipeline.errors import Conflict, Invalid
from kyo_pipeline.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared/data"

CORPUS = (
    '{"id": "a#p1", "title": "A", "text": "One.", "meta": {"document": "a", "file": "a.txt"}}\n{"id": 7, "text": "x"}'
)
QUESTIONS = '{"id": "q", "text": "One?", "answers": ["1", " "], "meta": {"answerable": true, "split": "dev"}}'
JUDGEMENTS = "query_id\tdoc_id\trelevance\nq\ta#p1\t2\nq\t7\t0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a set, with some of its files replaced, or left out by None."""

    def write(**changed: str | bytes | None) -> Path:
        files: dict[str, str | bytes | None] = {"corpus": CORPUS, "queries": QUESTIONS, "qrels": JUDGEMENTS, **changed}
        for name, content in files.items():
            if content is not None:
                path = tmp_path / f"{name}{'.tsv' if name == 'qrels' else '.jsonl'}"
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


def test_reads_passages_questions_and_judgements(folder: Callable[..., Path]) -> None:
    path = folder()
    (path / "docs").mkdir()
    (path / "docs/a.txt").write_text("One.")
    (path / "docs/.hidden").write_text("")
    found = read_set(path)
    assert found.passages == (
        LabelledPassage("a#p1", "A", "One.", "a", "a.txt"),
        LabelledPassage("7", "7", "x", "7"),  # a number is an id as well, and without a title it is the title
    )
    assert found.questions == (LabelledQuestion("q", "One?", ("1",), answerable=True, split="dev"),)
    assert found.relevant == {"q": {"a#p1": 2}}  # a grade of 0 is as good as none
    assert [file.name for file in found.originals] == ["a.txt"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"corpus": None}, "corpus.jsonl is missing"),
        ({"queries": None}, "queries.jsonl is missing"),
        ({"qrels": None}, "qrels.tsv is missing"),
        ({"corpus": ""}, "there is no passage in it"),
        ({"corpus": CORPUS + "\n{"}, "corpus.jsonl, line 3: this is not JSON"),
        ({"corpus": "[" * 100_000}, "corpus.jsonl, line 1: this is not JSON"),  # deeper than Python goes
        ({"corpus": "[1]"}, "corpus.jsonl, line 1: this is not a JSON object"),
        ({"corpus": "\xff".encode("latin-1")}, "corpus.jsonl: this is not UTF-8 text"),
        ({"corpus": CORPUS + "\n\n" + CORPUS}, "corpus.jsonl, line 4: the id 'a#p1' has been used before"),
        ({"corpus": '{"title": "A", "text": "x"}'}, "line 1: 'id' must be a text"),
        ({"corpus": '{"id": true, "text": "x"}'}, "line 1: 'id' must be a text"),
        ({"corpus": '{"id": "a", "text": 3}'}, "line 1: 'text' must be a text"),
        ({"corpus": '{"id": "a", "text": "x", "meta": 3}'}, "line 1: 'meta' must be an object"),
        ({"corpus": '{"id": "a", "text": "x", "meta": {"document": 3}}'}, "meta.document must be a text"),
        ({"queries": '{"id": "q", "text": " "}'}, "queries.jsonl, line 1: 'text' must be a text"),
        ({"queries": '{"id": "q", "text": "?", "answers": "1"}'}, "'answers' must be a list of texts"),
        (
            {"queries": '{"id": "q", "text": "?", "meta": {"answerable": "no"}}'},
            "meta.answerable must be a truth value",
        ),
        ({"qrels": "header\nq\ta#p1\t1\nr\ta#p1\t1"}, "qrels.tsv, line 3: there is no 'r' in queries.jsonl"),
        ({"qrels": "header\nq\tb\t1"}, "qrels.tsv, line 2: there is no 'b' in corpus.jsonl"),
        ({"qrels": "header\nq a#p1 1"}, "qrels.tsv, line 2: question, passage and grade are wanted, with tabs"),
        ({"qrels": "header\nq\ta#p1\tyes"}, "qrels.tsv, line 2: the grade 'yes' is not a whole number"),
    ],
)
def test_mistakes_are_named_with_file_and_line(
    folder: Callable[..., Path], changed: dict[str, str | bytes | None], complaint: str
) -> None:
    with pytest.raises(Invalid) as error:
        read_set(folder(**changed))
    assert complaint in error.value.message


def test_a_file_that_is_a_folder_cannot_be_read(folder: Callable[..., Path]) -> None:
    path = folder(queries=None)
    (path / "queries.jsonl").mkdir()
    with pytest.raises(Invalid, match="cannot be read"):
        read_set(path)


@pytest.mark.parametrize(
    ("name", "passages", "judged"),
    [
        ("scifact", 5183, 300),
        ("clapnq", 597, 167),
        ("contoso_hr", 263, 50),
        ("handbook_faq/18f", 1875, 109),
        ("kg_rag_sec10q", 20, 195),
        ("policyqa/dev", 574, 2420),
        ("xquad/zh", 240, 1190),
    ],
)
def test_public_sets_are_read_as_their_description_says(name: str, passages: int, judged: int) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip("the public sets are not here")
    found = read_set(SHARED / name).for_evaluation()
    assert (len(found.passages), len(found.judged)) == (passages, judged)


# Writing --------------------------------------------------------------------------------------------------------------

#: Lines, separators and quotes would end a row early; the other half of a pair has no place in UTF-8.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), answer=TEXTS)
def test_what_is_written_is_read_again(texts: list[str], answer: str) -> None:
    passages = [
        LabelledPassage(str(number), words.strip(), words, str(number), f"{number}.txt")
        for number, words in enumerate(texts)
    ]
    questions = [LabelledQuestion("q", texts[0], (answer,), answerable=True), LabelledQuestion("r", "Why?")]
    with TemporaryDirectory() as folder:
        place = Path(folder) / "set"
        write_set(place, iter(passages), questions, {"q": ["0"]})
        found = read_set(place)
    assert (found.passages, found.questions) == (tuple(passages), tuple(questions))
    assert found.relevant == {"q": {"0": 1}}
    assert found.originals == ()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Mine.")
    with pytest.raises(Conflict, match="is not empty"):
        write_set(tmp_path, [], [], {})
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
