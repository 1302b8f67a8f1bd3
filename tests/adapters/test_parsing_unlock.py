"""Passwords of files: right, wrong, missing, unnecessary; and where they must not be seen."""

import io
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pypdf
import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from reportlab.pdfgen.canvas import Canvas

from kyo_pipeline.adapters.parsing.pool import NOT_UNLOCKED, ParserPool
from kyo_pipeline.adapters.parsing.process import ParserProcess
from kyo_pipeline.adapters.parsing.unlock import DAMAGED, UNKNOWN_LOCK
from kyo_pipeline.domain.media_types import DOCX, PDF, identify
from kyo_pipeline.domain.unlocking import Lock, Unlocked
from kyo_pipeline.settings import Settings

PASSWORD = "pässwört 漢字"


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    pool = ParserPool(Settings())
    yield pool
    pool.close()


def pdf(user: str | None, owner: str | None = None, algorithm: str = "AES-256") -> bytes:
    plain, locked = io.BytesIO(), io.BytesIO()
    canvas = Canvas(plain)
    canvas.drawString(50, 700, "Secret text.")
    canvas.save()
    if user is None:
        return plain.getvalue()
    writer = pypdf.PdfWriter(clone_from=plain)
    writer.encrypt(user_password=user, owner_password=owner, algorithm=algorithm)
    writer.write(locked)
    return locked.getvalue()


def word(password: str | None) -> bytes:
    plain, locked = io.BytesIO(), io.BytesIO()
    document = docx.Document()
    document.add_paragraph("Secret text.")
    document.save(plain)
    if password is None:
        return plain.getvalue()
    OOXMLFile(plain).encrypt(password, locked)
    return locked.getvalue()


def text_of(content: bytes, folder: Path, pool: ParserPool) -> str:
    """What the parser makes of unlocked content, which must be what it says it is."""
    media_type = identify("a", content)
    path = folder / "unlocked"
    path.write_bytes(content)
    [(_, result, _)] = pool.parse_many([(path, media_type)])
    return result if isinstance(result, str) else result.text


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (pdf(PASSWORD), PASSWORD),
        (pdf("user", "owner"), "user"),
        (pdf("user", "owner"), "owner"),
        (pdf("user", algorithm="RC4-128"), "user"),
        (pdf("user", algorithm="AES-128"), "user"),
        (word(PASSWORD), PASSWORD),
    ],
    ids=["pdf", "user", "owner", "rc4", "aes-128", "docx"],
)
def test_the_right_password_opens(pool: ParserPool, tmp_path: Path, content: bytes, password: str) -> None:
    opened = pool.unlock(content, password)
    assert (opened.state, opened.reason, opened.is_open) == (Lock.UNLOCKED, "", True)
    assert text_of(opened.content, tmp_path, pool) == "Secret text."


@pytest.mark.parametrize("make", [pdf, word])
@pytest.mark.parametrize(
    ("password", "state", "words"),
    [
        (None, Lock.NEEDS_PASSWORD, "protected with a password"),
        ("", Lock.NEEDS_PASSWORD, "protected with a password"),
        ("wrong", Lock.WRONG_PASSWORD, "not the password"),
        ("x" * 100_000, Lock.WRONG_PASSWORD, "not the password"),
    ],
)
def test_without_it_nothing_comes_out(
    pool: ParserPool, make: Callable[[str], bytes], password: str | None, state: Lock, words: str
) -> None:
    result = pool.unlock(make("right"), password)
    assert (result.state, result.content, result.is_open) == (state, b"", False)
    assert words in result.reason


@pytest.mark.parametrize("content", [pdf(None), pdf("", "owner"), word(None), b"Text.", b"", b"%PDF-1.4 /Encrypt"[:5]])
def test_what_is_not_locked_stays_as_it_is(pool: ParserPool, content: bytes) -> None:
    assert pool.unlock(content, "unnecessary") == Unlocked(Lock.NOT_LOCKED, content)


def test_nothing_is_started_for_what_has_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ParserPool(Settings())
    monkeypatch.setattr(pool, "acquire", lambda: pytest.fail("a child was started"))
    assert pool.unlock(pdf(None), None).is_open


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (word("right")[:-8000], DAMAGED),
        (pdf("right").replace(b"/U <", b"/X <"), DAMAGED),
        (pdf("right").replace(b"/Filter /Standard", b"/Filter /Company_"), UNKNOWN_LOCK),
        (
            word("right").replace("EncryptionInfo".encode("utf-16-le"), "RightsByOffice".encode("utf-16-le")),
            UNKNOWN_LOCK,
        ),
    ],
    ids=["damaged docx", "damaged pdf", "other handler", "rights management"],
)
def test_what_cannot_be_unlocked_is_a_sentence(pool: ParserPool, content: bytes, reason: str) -> None:
    assert pool.unlock(content, "right") == Unlocked(Lock.REFUSED, reason=reason)


def test_the_password_is_nowhere_to_be_seen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in the arguments or the environment of the child, nor in its memory afterwards: it does not go on."""
    pool, seen = ParserPool(Settings()), []
    ask = ParserProcess.ask

    def look(child: ParserProcess, *task: object) -> object:
        answer = ask(child, *task)  # type: ignore[arg-type]
        seen.append(child)
        for name in ("cmdline", "environ"):
            assert b"open-sesame" not in Path(f"/proc/{child.pid}/{name}").read_bytes()
        return answer

    monkeypatch.setattr(ParserProcess, "ask", look)
    caplog.set_level(logging.DEBUG)
    for content in (pdf("open-sesame"), word("open-sesame")):
        assert pool.unlock(content, "open-sesame").is_open
    assert len(seen) == 2
    assert not any(child.is_alive() for child in seen)
    assert "open-sesame" not in caplog.text + "".join(capfd.readouterr())
    pool.close()


def test_a_child_that_dies_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ParserPool(Settings())
    monkeypatch.setattr(ParserProcess, "ask", lambda child, *_: setattr(child, "ready", True))
    result = pool.unlock(pdf("right"), "right")
    assert (result.state, result.reason) == (Lock.REFUSED, NOT_UNLOCKED)
    pool.close()


def test_large_files_go_through_the_pipe(pool: ParserPool, tmp_path: Path) -> None:
    writer, locked = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(None))), io.BytesIO()
    writer.add_attachment("noise", os.urandom(8 << 20))
    writer.encrypt("right")
    writer.write(locked)
    opened = pool.unlock(locked.getvalue(), "right")
    assert len(opened.content) > 8 << 20
    assert text_of(opened.content, tmp_path, pool) == "Secret text."


def test_many_at_once(pool: ParserPool) -> None:
    content, states = pdf("right"), []
    threads = [
        threading.Thread(target=lambda word=word: states.append(pool.unlock(content, word).state))
        for word in ["right", "wrong"] * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == [Lock.UNLOCKED] * 4 + [Lock.WRONG_PASSWORD] * 4
    assert {identify("a", word(None)), identify("a", content)} == {DOCX, PDF}
