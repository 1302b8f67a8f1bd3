"""Broken files of every kind: a document or a refusal, never another exception, nothing that cannot be stored."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import samples

SOUND = {name: make() for name, (_, make) in samples.PARSERS.items()}
PARTS = samples.parts_of(SOUND["docx"])
WORDS = [
    b"<",
    b">",
    b"&",
    b"\x00",
    b"\xff",
    b"]]>",
    b"<!--",
    b"9" * 30,
    b"-1",
    b"|",
    b"`",
    b"%",
    b"/",
    b"(",
    b"<<",
    b"w:",
]

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def broken(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some stretches left out, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 60)))
        middle = draw(st.sampled_from([b"", content[start:end] * 2, *WORDS]) | st.binary(max_size=8))
        content = content[:start] + middle + content[end:]
    return content


@pytest.mark.parametrize("name", SOUND)
def test_the_sound_ones_are_read(name: str) -> None:
    assert samples.PARSERS[name][0](SOUND[name]).text


@pytest.mark.parametrize("name", SOUND)
@few
@given(st.data())
def test_what_is_broken_ends_well(name: str, data: st.DataObject) -> None:
    samples.check(name, data.draw(broken(SOUND[name])))


@pytest.mark.parametrize(
    "part", ["word/document.xml", "word/styles.xml", "_rels/.rels", "word/_rels/document.xml.rels"]
)
@few
@given(st.data())
def test_broken_xml_in_a_sound_archive_ends_well(part: str, data: st.DataObject) -> None:
    samples.check("docx", samples.zipped({**PARTS, part: data.draw(broken(PARTS[part]))}))


@pytest.mark.parametrize("name", SOUND)
@few
@given(st.binary(max_size=300))
def test_any_bytes_end_well(name: str, content: bytes) -> None:
    samples.check(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("html", b"<div>" * 100_000 + b"x"),
        ("html", b"<table><tr><td colspan=99999 rowspan=99999>" * 50 + b"x"),
        ("html", b"<table>" + b"<tr><td rowspan=60000 colspan=1000>x<td>y" * 2000),
        ("html", b"<ol>" + b"<li>x" * 20_000),
        ("html", b'<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><p>&b;&b;'),
        ("markdown", b"> " * 5000 + b"x"),
        ("markdown", b"- " * 3000 + b"x"),
        ("markdown", b"[" * 5000),
        ("markdown", b"<div>" * 5000),
        ("text", b"# a" * 50_000),
    ],
)
def test_what_is_meant_to_explode_does_not(name: str, content: bytes) -> None:
    samples.check(name, content)
