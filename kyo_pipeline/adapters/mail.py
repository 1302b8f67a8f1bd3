"""E-mail through the server that the settings name: plain text, one message to all."""

import smtplib
import socket
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings

_SECONDS = 10.0


def send(settings: Settings, subject: str, body: str, now: datetime) -> int:
    """Send to KYO_ALERT_EMAILS; returns for how many the server takes no mail, where it does for others.

    Raises `Unavailable` that says what to look at; neither the password nor what the server answered is in it.
    """
    try:
        with _connected(settings) as server:
            if settings.KYO_SMTP_USER is not None and settings.KYO_SMTP_PASSWORD is not None:
                server.login(settings.KYO_SMTP_USER, settings.KYO_SMTP_PASSWORD.get_secret_value())
            return len(server.send_message(_message(settings, subject, body, now)))
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(_told(error, settings)) from None


def _connected(settings: Settings) -> smtplib.SMTP:
    host, port = settings.KYO_SMTP_HOST or "", settings.KYO_SMTP_PORT
    context = ssl.create_default_context()
    if settings.KYO_SMTP_TLS == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=_SECONDS)
    if settings.KYO_SMTP_TLS == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _message(settings: Settings, subject: str, body: str, now: datetime) -> EmailMessage:
    sender = settings.KYO_SMTP_FROM or ""
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = sender
    message["To"] = ", ".join(settings.KYO_ALERT_EMAILS)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # nobody's absence is to answer it
    message.set_content(body)
    return message


def _told(error: Exception, settings: Settings) -> str:
    """What went wrong, the more special first."""
    where = f"{settings.KYO_SMTP_HOST}:{settings.KYO_SMTP_PORT}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of the mail server {where} cannot be trusted, so nothing was sent."
    if isinstance(error, ssl.SSLError):
        return f"The mail server {where} does not speak TLS there: look at KYO_SMTP_PORT and KYO_SMTP_TLS."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"The mail server {where} lacks what KYO_SMTP_TLS or KYO_SMTP_USER needs: STARTTLS, or signing in."
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"The mail server {where} does not know KYO_SMTP_USER, or not with this KYO_SMTP_PASSWORD."
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"The mail server {where} takes no mail from KYO_SMTP_FROM (status {error.smtp_code})."
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"The mail server {where} takes mail for none of KYO_ALERT_EMAILS."
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server {where} did not take the message (status {error.smtp_code})."
    if isinstance(error, socket.gaierror):
        return f"The mail server {where} is not found: look at KYO_SMTP_HOST."
    return f"The mail server {where} does not answer ({type(error).__name__})."
