"""What the security documents say can be checked: every requirement once, every test that they name exists."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASVS, SECURITY = ROOT / "docs" / "asvs.md", ROOT / "docs" / "security.md"

#: ASVS 5.0.0: how many requirements of level 1 or 2 each section has; they are its first ones, numbered from 1.
SECTIONS = """
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2
    2.1:3 2.2:3 2.3:4 2.4:1
    3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
    4.1:3 4.2:1 4.3:2 4.4:4
    5.1:1 5.2:3 5.3:2 5.4:3
    6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
    7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
    8.1:2 8.2:3 8.3:1 8.4:1
    9.1:3 9.2:4
    10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3
    11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1
    12.1:3 12.2:2 12.3:4
    13.1:1 13.2:5 13.3:2 13.4:5
    14.1:2 14.2:4 14.3:3
    15.1:3 15.2:3 15.3:7
    16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
    17.1:1 17.2:4 17.3:2
"""
STATES = ("met", "not met", "not applicable")

_TEST = re.compile(r"(tests/[\w/]+\.py)((?:::\w+)*)")
_PART = re.compile(r"security\.md, “([^”]+)”")


def rows() -> list[list[str]]:
    """The cells of each requirement: number, level, words, state, reason, tests."""
    lines = [line for line in ASVS.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+\.", line)]
    return [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in lines]


def named_tests() -> list[tuple[str, str]]:
    texts = (path.read_text(encoding="utf-8") for path in (ASVS, SECURITY))
    return sorted({(match[1], match[2]) for text in texts for match in _TEST.finditer(text)})


@cache
def names_in(path: Path) -> frozenset[str]:
    """`::name` and `::Class::name` of what stands in a file."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        name = getattr(node, "name", "")
        inner = node.body if isinstance(node, ast.ClassDef) else []
        found |= {f"::{name}", *(f"::{name}::{getattr(one, 'name', '')}" for one in inner)}
    return frozenset(found)


def test_every_requirement_stands_in_the_table_once_and_in_order() -> None:
    sections = [entry.split(":") for entry in SECTIONS.split()]
    expected = [f"{section}.{number}" for section, count in sections for number in range(1, int(count) + 1)]
    assert [row[0] for row in rows()] == expected
    assert len(expected) == 253


def test_every_requirement_has_a_level_a_state_and_a_reason() -> None:
    for number, level, words, state, reason, _ in rows():
        assert level in ("1", "2"), number
        assert state in STATES, number
        assert words, number
        assert reason, number


def test_the_sums_are_those_of_the_table() -> None:
    counted = Counter((row[3], row[1]) for row in rows())
    for state in STATES:
        ones, twos = counted[state, "1"], counted[state, "2"]
        assert f"| {state} | {ones} | {twos} | {ones + twos} |" in ASVS.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "name"), named_tests(), ids="".join)
def test_what_is_said_to_be_tested_is(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert not name or name in names_in(ROOT / path)
    assert name or "def test_" in (ROOT / path).read_text(encoding="utf-8")


def test_parts_of_the_threat_model_that_the_table_refers_to_exist() -> None:
    headings = re.findall(r"^## (.+)$", SECURITY.read_text(encoding="utf-8"), re.MULTILINE)
    referred = {match[1] for row in rows() for match in _PART.finditer(row[4])}
    assert referred
    assert referred <= set(headings)


@pytest.mark.parametrize("document", [ASVS, SECURITY], ids=lambda path: path.name)
def test_prose_is_no_wider_than_the_code(document: Path) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []
