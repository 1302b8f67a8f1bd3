"""Coverage-guided fuzzing of one parser: `python -m tests.fuzz.parsers html -max_total_time=300`.

Needs the extra `fuzz` (pip install -e '.[dev,fuzz]'). Names: text, markdown, html, pdf, docx (whole files) and docx-xml
(the XML of the body inside a sound archive). The rest of the command line goes to libFuzzer; -timeout=30 is the
limit of production. A finding is written to crash-*: add it as a case to tests/adapters/test_parsing_fuzz.py.
"""

import logging
import sys

import atheris

with atheris.instrument_imports(include=["kyo_pipeline", "pypdf", "markdown_it", "docx", "zipfile"]):
    from tests.fuzz import samples

_PARTS = samples.parts_of(samples.word())


def target(name: str, data: bytes) -> None:
    if name == "docx-xml":
        name, data = "docx", samples.zipped({**_PARTS, "word/document.xml": data})
    samples.check(name, data)


def main() -> None:
    name, logged = sys.argv.pop(1), logging.getLogger("pypdf")
    logged.setLevel(logging.CRITICAL)
    sys.setrecursionlimit(4000)  # as in the child process
    atheris.Setup(sys.argv, lambda data: target(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
