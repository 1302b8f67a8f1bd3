"""Takes the password off a file, in the child. The password comes through the pipe and goes nowhere else."""

import io
import logging
import zipfile
from typing import Any

from kyo_pipeline.adapters.parsing.frames import Message
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.unlocking import Lock

DAMAGED = "The file is protected with a password and damaged. Save it again without a password and upload that."
UNKNOWN_LOCK = "The file is protected in a way that cannot be undone here. Save it without protection and upload that."

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def unlock(content: bytes, password: str | None) -> tuple[Message, bytes]:
    """`state`, and the content without its lock when the password was right. Raises `Unreadable`, MemoryError."""
    try:
        state, opened = (_unlock_office if _is_office(content) else _unlock_pdf)(content, password)
    except (MemoryError, Unreadable):
        raise
    except NotImplementedError as error:
        raise Unreadable(UNKNOWN_LOCK) from error
    except Exception as error:
        raise Unreadable(DAMAGED) from error
    return {"state": state.value}, opened


def _is_office(content: bytes) -> bool:
    return content.startswith(_OLE) and _PACKAGE in content


def _unlock_pdf(content: bytes, password: str | None) -> tuple[Lock, bytes]:
    import pypdf

    from kyo_pipeline.adapters.parsing.pdf import needs_password

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
    if not reader.is_encrypted or not needs_password(reader, content):  # without a password it is read as it is
        return Lock.NOT_LOCKED, b""
    if not password:
        return Lock.NEEDS_PASSWORD, b""
    if not reader.decrypt(password):
        return Lock.WRONG_PASSWORD, b""
    opened = io.BytesIO()
    pypdf.PdfWriter(clone_from=reader).write(opened)
    return Lock.UNLOCKED, opened.getvalue()


def _unlock_office(content: bytes, password: str | None) -> tuple[Lock, bytes]:
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

    try:
        file: Any = msoffcrypto.OfficeFile(io.BytesIO(content))
        if not file.is_encrypted():
            return Lock.NOT_LOCKED, b""
        if not password:
            return Lock.NEEDS_PASSWORD, b""
        file.load_key(password=password, verify_password=True)
        opened = io.BytesIO()
        file.decrypt(opened)
    except InvalidKeyError:
        return Lock.WRONG_PASSWORD, b""
    except (DecryptionError, FileFormatError) as error:
        raise Unreadable(UNKNOWN_LOCK) from error
    if not zipfile.is_zipfile(opened):
        return Lock.WRONG_PASSWORD, b""
    return Lock.UNLOCKED, opened.getvalue()
