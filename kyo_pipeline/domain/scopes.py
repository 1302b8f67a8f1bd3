"""What an API key may be used for: part of what its owner's role allows, never more."""

from enum import Enum

from kyo_pipeline.domain.actor import Permission


class Scope(str, Enum):
    """`resource:action`, as permissions are; each stands for those of one kind of work. The value is stored."""

    ANSWERS_ASK = "answers:ask"
    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_UPLOAD = "documents:upload"
    DOCUMENTS_DECIDE = "documents:decide"
    ANALYTICS_READ = "analytics:read"
    AUDIT_READ = "audit:read"


#: What a route or a tool needs, and no more: what comes later is not to widen keys that exist.
GRANTED: dict[Scope, frozenset[Permission]] = {
    Scope.ANSWERS_ASK: frozenset(
        {
            Permission.ANSWER_ASK,
            Permission.ANSWER_RATE,
            Permission.ANSWER_READ_OWN,
            Permission.ANALYTICS_READ_OWN,
        }
    ),
    Scope.DOCUMENTS_READ: frozenset({Permission.DOCUMENT_READ}),
    Scope.DOCUMENTS_UPLOAD: frozenset({Permission.DOCUMENT_READ, Permission.DOCUMENT_UPLOAD}),
    Scope.DOCUMENTS_DECIDE: frozenset(
        {
            Permission.DOCUMENT_READ,
            Permission.DOCUMENT_APPROVE,
            Permission.DOCUMENT_ARCHIVE,
            Permission.DOCUMENT_DELETE,
        }
    ),
    Scope.ANALYTICS_READ: frozenset({Permission.ANALYTICS_READ, Permission.ANALYTICS_READ_OWN}),
    Scope.AUDIT_READ: frozenset({Permission.AUDIT_READ}),
}


def granted(scopes: frozenset[Scope]) -> frozenset[Permission]:
    """All that these scopes let somebody do whose role allows it."""
    return frozenset().union(*(GRANTED[scope] for scope in scopes))
