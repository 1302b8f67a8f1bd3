"""The key that seals the audit log: made of SECRET_KEY, or a file in KYO_HOME. It is never in the database."""

from kyo_pipeline.adapters.secret_keys import derived, of_file
from kyo_pipeline.settings import Settings

_PURPOSE = b"kyo.audit"
_FILE = "audit.key"


def audit_key(settings: Settings) -> bytes:
    """The one in use. Raises `Unavailable` where it cannot be read or made."""
    if settings.SECRET_KEY is not None:
        return derived(settings.SECRET_KEY.get_secret_value(), _PURPOSE)
    return of_file(settings.KYO_HOME / _FILE)


def known_keys(settings: Settings) -> tuple[bytes, ...]:
    """Those with which rows may have been sealed: the one in use first."""
    former = tuple(derived(one.get_secret_value(), _PURPOSE) for one in settings.KYO_FORMER_SECRET_KEYS)
    path = settings.KYO_HOME / _FILE
    kept = (of_file(path),) if path.is_file() else ()
    return tuple(dict.fromkeys((audit_key(settings), *former, *kept)))
