"""E-mail through a real server, and through servers that do not want it."""

import ssl
from datetime import datetime, timezone
from pathlib import Path

import pytest

from kyo_pipeline.adapters import mail
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings
from tests.certificates import write_certificate
from tests.smtp_server import SmtpServer, running

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
PASSWORD = "plum tree river"


def settings(server: SmtpServer, **changed: object) -> Settings:
    values: dict[str, object] = {
        "KYO_ALERT_EMAILS": "ops@example.org,boss@example.org",
        "KYO_SMTP_HOST": "127.0.0.1",
        "KYO_SMTP_PORT": server.port,
        "KYO_SMTP_FROM": "kyo@example.org",
        "KYO_SMTP_TLS": "off",
    }
    return Settings.model_validate({**values, **changed})


def send(server: SmtpServer, **changed: object) -> int:
    return mail.send(settings(server, **changed), "KYO: 2 alerts", "One.\n\nTwo: 1 → 2.\n", NOW)


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmtpServer:
    """One with a certificate that this process trusts, by another name than the address it is asked at."""
    certificate, key = write_certificate(tmp_path / "tls")

    def trusting() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(certificate)
        return context

    monkeypatch.setattr(ssl, "create_default_context", trusting)
    return SmtpServer(certificate, key)


def test_a_message_arrives_at_all() -> None:
    with running(SmtpServer()) as server:
        assert send(server) == 0
    [message] = server.messages
    assert server.recipients == ["ops@example.org", "boss@example.org"]
    assert (message["subject"], message["from"]) == ("KYO: 2 alerts", "kyo@example.org")
    assert message["to"] == "ops@example.org, boss@example.org"
    assert message["date"].datetime == NOW
    assert message["auto-submitted"] == "auto-generated"
    assert message["message-id"].endswith("@example.org>")
    assert message.get_content().splitlines() == ["One.", "", "Two: 1 → 2."]


def test_a_subject_stays_on_its_line() -> None:
    with running(SmtpServer()) as server:
        mail.send(settings(server), "KYO:\r\nBcc: somebody@example.org", "Text.", NOW)
    assert server.messages[0]["subject"] == "KYO: Bcc: somebody@example.org"
    assert server.messages[0]["bcc"] is None


@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_the_way_is_encrypted_before_the_password_is_sent(certified: SmtpServer, how: str) -> None:
    certified.password = PASSWORD
    with running(certified, tls=how == "tls") as server:
        send(server, KYO_SMTP_TLS=how, KYO_SMTP_USER="kyo", KYO_SMTP_PASSWORD=PASSWORD)
    assert (server.was_encrypted, server.logins, len(server.messages)) == (True, ["kyo"], 1)


def test_where_some_are_refused_the_others_get_it() -> None:
    with running(SmtpServer(refuses=("boss@example.org",))) as server:
        assert send(server) == 1
    assert server.recipients == ["ops@example.org"]
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("server", "changed", "told"),
    [
        (SmtpServer(refuses=("ops@example.org", "boss@example.org")), {}, "takes mail for none of KYO_ALERT_EMAILS"),
        (SmtpServer(refuses_sender=True), {}, r"takes no mail from KYO_SMTP_FROM \(status 550\)"),
        (SmtpServer(refuses_message=True), {}, r"did not take the message \(status 554\)"),
        (SmtpServer(), {"KYO_SMTP_TLS": "starttls"}, "lacks what KYO_SMTP_TLS"),
        (SmtpServer(), {"KYO_SMTP_TLS": "tls"}, "does not speak TLS there: look at KYO_SMTP_PORT"),
        (SmtpServer(), {"KYO_SMTP_PORT": 1}, "does not answer"),
        (SmtpServer(), {"KYO_SMTP_HOST": "mail.invalid"}, "is not found: look at KYO_SMTP_HOST"),
    ],
)
def test_what_went_wrong_is_told_in_words(server: SmtpServer, changed: dict[str, object], told: str) -> None:
    with running(server), pytest.raises(Unavailable, match=told) as caught:
        send(server, **changed)
    assert caught.value.__cause__ is None
    assert server.messages == []


def test_a_wrong_password_is_named_and_not_told(certified: SmtpServer) -> None:
    certified.password = "another"
    with running(certified) as server, pytest.raises(Unavailable, match="does not know KYO_SMTP_USER") as caught:
        send(server, KYO_SMTP_TLS="starttls", KYO_SMTP_USER="kyo", KYO_SMTP_PASSWORD=PASSWORD)
    assert PASSWORD not in caught.value.message  # the server had quoted it


def test_a_server_that_nobody_knows_gets_nothing(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path / "tls")
    server = SmtpServer(certificate, key, PASSWORD)
    with running(server), pytest.raises(Unavailable, match=r"certificate of the mail server .* cannot be trusted"):
        send(server, KYO_SMTP_TLS="starttls", KYO_SMTP_USER="kyo", KYO_SMTP_PASSWORD=PASSWORD)
    assert (server.logins, server.messages) == ([], [])
