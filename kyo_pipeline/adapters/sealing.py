"""Bytes that lie where others may read and write: encrypted, and known again as ours."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # what AES-GCM is made for (NIST SP 800-38D)


def sealed(value: bytes, secret: bytes, name: str) -> bytes:
    """The value under AES-256-GCM: only whoever has the secret reads it, makes another one, or puts it elsewhere."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(secret).encrypt(nonce, value, name.encode())


def opened(value: bytes, secret: bytes, name: str) -> bytes | None:
    """What was sealed under this name with this secret; None for everything else."""
    try:
        return _cipher(secret).decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):  # the latter: too short to be anything
        return None


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hashlib.sha256(secret).digest())
