"""Random secrets, and the hashes under which they are stored."""

import hashlib
import secrets


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """To be typed once."""
    return secrets.token_urlsafe(16)


def digest(secret: str) -> bytes:
    """One round is enough for what is random; passwords have their own module."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
