import re

import pytest

from kyo_pipeline.defs.metadata import of_finding, of_step
from kyo_pipeline.domain.findings import Ailment, Finding
from kyo_pipeline.services.indexing import StepReport

NAMES = [
    "![x](https://evil.example/leak.png).pdf",
    "[click](javascript:alert(1)).pdf",
    "<img src=x onerror=alert(1)>.pdf",
    "a | b | c.pdf",
    "`code` **bold** _it_ ~~no~~ # h.pdf",
    "&lt;script&gt;.pdf",
    "line\nbreak\r\n| x | y |.pdf",
    "back\\|slash.pdf",
    "\ud800 half.pdf",
    "a\u202ecod.pdf",
]


@pytest.mark.parametrize("column", ["file", "reason"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_name_or_a_reason_means_anything_in_markdown(name: str, column: str) -> None:
    failure = (name, "It broke.") if column == "file" else ("a.pdf", name)
    table = str(of_step(StepReport(failures=[failure]), "pages")["failures"].value)
    assert len(table.splitlines()) == 3
    row = table.splitlines()[2]
    assert row.count("|") == 3
    inside = re.sub(r"&#\d+;", "", row)
    assert not re.search(r"[<>&\[\]()`*_!#\\~]", inside)
    assert row.isprintable()


def test_files_that_were_slow_are_listed_as_inertly() -> None:
    report = StepReport(done=1, files=[("![x](y)|<b>.pdf", 3, 1.5)])
    row = str(of_step(report, "pages")["slowest_files"].value).splitlines()[2]
    assert not re.search(r"[<>\[\]()!]", row)
    assert row.endswith("| 3 | 1.50 |")


def test_many_failures_are_counted_and_fifty_listed() -> None:
    report = StepReport(failures=[(f"{number}.pdf", "It broke.") for number in range(60)])
    metadata = of_step(report, "pages")
    assert metadata["failed"].value == 60
    table = str(metadata["failures"].value)
    assert len(re.findall("It broke", table)) == 50
    assert table.endswith("… and 10 more.")


def test_numbers_are_plotted() -> None:
    metadata = of_step(StepReport(done=10, items=40, tokens=900, seconds=2.0), "chunks")
    assert {name: value.value for name, value in metadata.items()} == {
        "documents": 10,
        "chunks": 40,
        "failed": 0,
        "seconds": 2.0,
        "documents_per_second": 5.0,
        "tokens": 900,
    }
    assert of_step(StepReport(done=10), "chunks")["documents_per_second"].value == 0.0


def test_embedding_says_how_many_vectors_were_kept() -> None:
    assert of_step(StepReport(done=1, items=9, kept=8), "vectors")["vectors_kept"].value == 8
    assert of_step(StepReport(), "vectors")["vectors_kept"].value == 0
    assert "vectors_kept" not in of_step(StepReport(done=1), "chunks")


def test_a_check_says_of_how_many_where_that_is_known() -> None:
    found = of_finding(Finding(Ailment.VECTORS, 0, "All is well.", looked_at=12))
    assert {name: value.value for name, value in found.items()} == {"problems": 0, "looked_at": 12}
    assert "looked_at" not in of_finding(Finding(Ailment.STATISTICS, 0, "All is well."))
