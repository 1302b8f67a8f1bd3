"""Passwords of locked files on the command line: typed without being seen, or in a file, and never kept."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from kyo_app.commands.passwords import Passwords
from kyo_pipeline.errors import Invalid, PasswordNeeded

FILE = Path("secret\x1b[31m.pdf")
Asked = list[tuple[str, bool]]


def lock(password: str) -> Callable[[str | None], str]:
    """What opens with this password only."""

    def deed(given: str | None) -> str:
        if given != password:
            raise PasswordNeeded("It is locked.", wrong=given is not None)
        return f"opened with {given}"

    return deed


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Somebody who types these words, one after the other."""

    def types(*words: str) -> Asked:
        asked: Asked = []
        answers = iter(words)

        def prompt(text: str, *, hide_input: bool, err: bool, **_: object) -> str:
            assert err, "what is printed is for programs"
            asked.append((text, hide_input))
            return next(answers)

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(click, "prompt", prompt)
        return asked

    return types


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def test_nobody_is_asked_about_a_file_that_is_open(terminal: Callable[..., Asked]) -> None:
    asked = terminal()
    assert Passwords(None).opening(FILE, lambda given: f"done with {given}") == "done with None"
    assert asked == []


def test_it_is_asked_for_out_of_sight_until_it_opens(
    terminal: Callable[..., Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = terminal("wrong", "right")
    assert Passwords(None).opening(FILE, lock("right")) == "opened with right"
    assert [hidden for _, hidden in asked] == [True, True]
    assert "\x1b" not in asked[0][0]
    assert capsys.readouterr().err == "That password does not open it.\n"


def test_what_opened_one_file_is_tried_on_the_next(terminal: Callable[..., Asked]) -> None:
    asked, passwords = terminal("right"), Passwords(None)
    for _ in range(3):
        assert passwords.opening(FILE, lock("right")) == "opened with right"
    assert len(asked) == 1


def test_after_three_tries_the_next_file_has_its_turn(terminal: Callable[..., Asked]) -> None:
    asked = terminal("a", "b", "c", "d")
    with pytest.raises(Invalid, match="none of those that were typed opens it"):
        Passwords(None).opening(FILE, lock("right"))
    assert len(asked) == 3


def test_a_file_can_be_skipped(terminal: Callable[..., Asked]) -> None:
    terminal("")
    with pytest.raises(Invalid, match="none was given"):
        Passwords(None).opening(FILE, lock("right"))


@pytest.mark.usefixtures("no_terminal")
def test_without_a_terminal_it_says_where_a_password_may_come_from() -> None:
    with pytest.raises(Invalid, match="--password-file") as raised:
        Passwords(None).opening(FILE, lock("right"))
    assert not isinstance(raised.value, PasswordNeeded)


@pytest.mark.usefixtures("no_terminal")
@pytest.mark.parametrize("text", ["right", "right\n", "wrong\r\nright\r\n", "a\n\n b \nright"])
def test_a_file_holds_one_password_a_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "passwords"
    file.write_bytes(text.encode())
    assert Passwords(file).opening(FILE, lock("right")) == "opened with right"


@pytest.mark.usefixtures("no_terminal")
def test_none_of_those_in_the_file_may_be_the_one(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("wrong\n")
    with pytest.raises(Invalid, match="None of the passwords opens it"):
        Passwords(file).opening(FILE, lock("right"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 5000])
def test_a_file_that_holds_no_passwords_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "passwords"
    file.write_bytes(content)
    with pytest.raises(Invalid, match="passwords"):
        Passwords(file)


def test_other_refusals_are_no_question_of_passwords(terminal: Callable[..., Asked]) -> None:
    asked = terminal("x")

    def deed(_: str | None) -> str:
        raise Invalid("Too large.")

    with pytest.raises(Invalid, match="Too large"):
        Passwords(None).opening(FILE, deed)
    assert asked == []
