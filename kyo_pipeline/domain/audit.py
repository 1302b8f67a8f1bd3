"""What is written to the audit log: `resource:action`, as permissions are."""

from enum import Enum


class Event(str, Enum):
    """Alphabetical. The value is stored; never change one that has been in use."""

    ANSWER_ASK = "answer:ask"
    ANSWER_RATE = "answer:rate"
    DOCUMENT_APPROVE = "document:approve"
    DOCUMENT_ARCHIVE = "document:archive"
    DOCUMENT_PUBLISH = "document:publish"
    DOCUMENT_REJECT = "document:reject"
    DOCUMENT_RETRY = "document:retry"
    DOCUMENT_UPLOAD = "document:upload"
    SESSION_END = "session:end"
    SESSION_REFUSE = "session:refuse"
    SESSION_START = "session:start"
    USER_ADD = "user:add"
    USER_CHANGE_PASSWORD = "user:change_password"  # noqa: S105 — an event's name, not a password
    USER_RESET_PASSWORD = "user:reset_password"  # noqa: S105 — an event's name, not a password
