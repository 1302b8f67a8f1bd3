"""Files with a password: it is asked for, used once, and kept nowhere."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.unlocking import Lock, Unlocked
from kyo_pipeline.errors import Invalid, NotFound, PasswordNeeded, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library
from tests.fakes import PlainTextParser

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

MEGABYTE = 1024 * 1024


class LockedParser(PlainTextParser):
    """Opens what looks like a locked PDF with the password `sesame`."""

    def __init__(self, opened: bytes = b"%PDF-1.7 opened", state: Lock = Lock.UNLOCKED) -> None:
        self.opened = opened
        self.state = state
        self.tried: list[str | None] = []

    def unlock(self, content: bytes, password: str | None) -> Unlocked:
        self.tried.append(password)
        if self.state is not Lock.UNLOCKED:
            return Unlocked(self.state, content if self.state is Lock.NOT_LOCKED else b"", "It cannot be opened.")
        if password is None:
            return Unlocked(Lock.NEEDS_PASSWORD, reason="It needs its password.")
        if password != "sesame":
            return Unlocked(Lock.WRONG_PASSWORD, reason="It has another password.")
        return Unlocked(Lock.UNLOCKED, self.opened)


LOCKED = b"%PDF-1.7 trailer << /Encrypt 5 0 R >>"
LOCKED_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")


class TestLocked:
    @pytest.mark.parametrize(("password", "wrong"), [(None, False), ("open", True)])
    @pytest.mark.parametrize(("name", "content"), [("a.pdf", LOCKED), ("a.docx", LOCKED_OFFICE)])
    def test_files_ask_for_their_password(
        self, kyo: Kyo, employee: Actor, sql: Sql, name: str, content: bytes, password: str | None, wrong: bool
    ) -> None:
        with pytest.raises(PasswordNeeded) as raised:
            library.upload(replace(kyo, parser=LockedParser()), employee, name, content, password=password)
        assert raised.value.wrong is wrong
        assert raised.value.message.startswith("It has another" if wrong else "It needs")
        assert sql("select from documents") == sql("select from audit_log") == []

    @pytest.mark.parametrize(("name", "content"), [("a.pdf", LOCKED), ("a.pdf", LOCKED_OFFICE)])
    def test_what_is_stored_is_what_the_password_opens_and_not_the_password(
        self, kyo: Kyo, employee: Actor, sql: Sql, caplog: pytest.LogCaptureFixture, name: str, content: bytes
    ) -> None:
        locked = replace(kyo, parser=LockedParser())
        latest = library.upload(locked, employee, name, content, password="sesame").document.latest
        assert kyo.files.path(latest.sha256).read_bytes() == b"%PDF-1.7 opened"
        assert (latest.media_type, latest.size_bytes) == ("application/pdf", 15)
        [row] = sql("select details from audit_log")
        assert row.details["unlocked"] is True
        names = sql("select relname from pg_class where relkind = 'r' and relnamespace = 'kyo'::regnamespace")
        for (table,) in names:
            assert sql(f"select from kyo.{table} t where t::text like '%sesame%'") == []
        assert "sesame" not in caplog.text

    def test_the_same_file_again_changes_nothing(self, kyo: Kyo, employee: Actor) -> None:
        locked = replace(kyo, parser=LockedParser())
        assert library.upload(locked, employee, "a.pdf", LOCKED, password="sesame").created
        assert not library.upload(locked, employee, "a.pdf", LOCKED, password="sesame").created

    def test_what_only_looks_locked_is_stored_as_it_is(self, kyo: Kyo, employee: Actor, sql: Sql) -> None:
        parser = LockedParser(state=Lock.NOT_LOCKED)
        latest = library.upload(replace(kyo, parser=parser), employee, "a.pdf", LOCKED, password="x").document.latest
        assert kyo.files.path(latest.sha256).read_bytes() == LOCKED
        [row] = sql("select details from audit_log")
        assert "unlocked" not in row.details

    def test_what_does_not_look_so_is_not_tried(self, kyo: Kyo, employee: Actor) -> None:
        parser = LockedParser()
        library.upload(replace(kyo, parser=parser), employee, "a.txt", b"About /Encrypt.", password="sesame")
        assert parser.tried == []

    @pytest.mark.parametrize(
        ("opened", "message"),
        [
            (b"PK\x03\x04 something", "is damaged"),
            (b"\x89PNG" + b"\x00" * 50, "a picture"),
            (b"%PDF-1.7" + b"x" * MEGABYTE, "is larger than 1 MB"),
            (b"", "is empty"),
        ],
    )
    def test_what_comes_out_is_checked_like_any_other_file(
        self, with_settings: Callable[..., Kyo], employee: Actor, sql: Sql, opened: bytes, message: str
    ) -> None:
        kyo = replace(with_settings(MAX_FILE_SIZE_MB=1), parser=LockedParser(opened))
        with pytest.raises(Invalid, match=message):
            library.upload(kyo, employee, "a.pdf", LOCKED, password="sesame")
        assert sql("select from documents") == []

    def test_what_cannot_be_opened_says_why(self, kyo: Kyo, employee: Actor) -> None:
        parser = LockedParser(state=Lock.REFUSED)
        with pytest.raises(Invalid, match="cannot be opened") as raised:
            library.upload(replace(kyo, parser=parser), employee, "a.pdf", LOCKED, password="sesame")
        assert not isinstance(raised.value, PasswordNeeded)

    def test_nobody_guesses_for_free_who_may_not_upload(
        self, kyo: Kyo, with_settings: Callable[..., Kyo], employee: Actor
    ) -> None:
        parser = LockedParser()
        limited = replace(with_settings(KYO_UPLOADS_PER_HOUR=1), parser=parser)
        library.upload(limited, employee, "a.txt", b"text")
        with pytest.raises(TooMany):
            library.upload(limited, employee, "a.pdf", LOCKED, password="sesame")
        with pytest.raises(NotFound):
            library.upload(replace(kyo, parser=parser), employee, "a.pdf", LOCKED, "Nowhere", password="sesame")
        assert parser.tried == []
