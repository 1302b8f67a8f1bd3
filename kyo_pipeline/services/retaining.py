"""What is kept no longer than it is of use: sessions that are over, versions that were replaced long ago.

For the pipeline, every night. Twice is the same as once.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from kyo_pipeline.db import audit, retention, versions
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.retention import ExpiredVersion, ExpiredVersions, Forgotten
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.kyo import Kyo

#: How long versions are deleted in one go; the others wait for the next night.
SECONDS = 1200.0

_LEFT = ExpiredVersions(left=1)


def delete_expired(kyo: Kyo) -> Forgotten:
    """Delete sessions and sign-in tickets that have long been over, and failed sign-ins that no longer count."""
    with kyo.db.transaction(OPERATOR) as tx:
        return retention.delete_expired(tx, kyo.now())


def expire_versions(kyo: Kyo) -> ExpiredVersions:
    """Delete versions that have not answered questions for `KYO_RETAIN_VERSIONS_DAYS`, if that is set.

    Only what a newer version has replaced, what nobody waits for and no answer cites: old answers stay true. Each in a
    transaction of its own with its audit row; a rolled back document keeps what it came from for as many days again.
    """
    days = kyo.settings.KYO_RETAIN_VERSIONS_DAYS
    if days is None:
        return ExpiredVersions()
    before, deadline = kyo.now() - timedelta(days=days), time.monotonic() + SECONDS
    with kyo.db.transaction(OPERATOR) as tx:
        due = retention.expirable_versions(tx, before)
    tried = (_expire(kyo, one, before) if time.monotonic() < deadline else _LEFT for one in due)
    return sum(tried, ExpiredVersions())


def _expire(kyo: Kyo, version_id: UUID, before: datetime) -> ExpiredVersions:
    """One version, and its file at once: a crash leaves no more than one, which `kyo doctor` finds."""
    try:
        version = _delete(kyo, version_id, before)
    except Conflict:  # somebody works on it at this moment
        return _LEFT
    if version is None:
        return _LEFT
    return ExpiredVersions(versions=1, chunks=version.chunks) + _remove_file(kyo, version.sha256)


def _delete(kyo: Kyo, version_id: UUID, before: datetime) -> ExpiredVersion | None:
    with kyo.db.transaction(OPERATOR) as tx:
        version = retention.expire_version(tx, version_id, before)
        if version is not None:
            audit.record(tx, OPERATOR, Event.VERSION_EXPIRE, version_id, kyo.now(), version.on_record)
        return version


def _remove_file(kyo: Kyo, sha256: str) -> ExpiredVersions:
    """Remove the file, if no other version has it, under the lock that whoever stores it takes too."""
    with kyo.db.transaction(OPERATOR) as tx:
        versions.lock_digest(tx, sha256)
        if versions.digest_in_use(tx, sha256):
            return ExpiredVersions()
        try:
            kyo.files.remove(sha256)
        except Unavailable:
            return ExpiredVersions(files_left=1)
        return ExpiredVersions(files=1)
