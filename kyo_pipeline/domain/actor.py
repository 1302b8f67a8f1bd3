"""Who acts, in which role, and what a role may do."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from kyo_pipeline.errors import Forbidden, NotAllowed


class Role(str, Enum):
    """What a person is to the organisation. Each role may do what the one before it may, and more."""

    EMPLOYEE = "employee"
    MANAGER = "manager"
    ADMIN = "admin"


class Permission(str, Enum):
    """`resource:action`, verbatim the same in SQL, UI and tests. Alphabetical."""

    ALERT_READ = "alert:read"
    ALERT_TEST = "alert:test"
    ANALYTICS_READ = "analytics:read"
    ANALYTICS_READ_OWN = "analytics:read_own"
    ANSWER_ASK = "answer:ask"
    ANSWER_RATE = "answer:rate"
    ANSWER_READ_OWN = "answer:read_own"
    ANSWER_READ_SHARED = "answer:read_shared"
    ANSWER_SHARE = "answer:share"
    ANSWER_VERIFY = "answer:verify"
    AUDIT_READ = "audit:read"
    COLLECTION_MANAGE = "collection:manage"
    DOCUMENT_APPROVE = "document:approve"
    DOCUMENT_ARCHIVE = "document:archive"
    DOCUMENT_CHANGE = "document:change"
    DOCUMENT_DELETE = "document:delete"
    DOCUMENT_DOWNLOAD = "document:download"
    DOCUMENT_READ = "document:read"
    DOCUMENT_REPROCESS = "document:reprocess"
    DOCUMENT_RESTRICT = "document:restrict"
    DOCUMENT_RETRY = "document:retry"
    DOCUMENT_UPLOAD = "document:upload"
    EMBEDDING_SET_MANAGE = "embedding_set:manage"
    EMBEDDING_SET_TUNE = "embedding_set:tune"
    EVALUATION_CASE_EXPORT = "evaluation_case:export"
    EVALUATION_CASE_MANAGE = "evaluation_case:manage"
    FEEDBACK_REVIEW = "feedback:review"
    GAP_MANAGE = "gap:manage"
    GROUP_MANAGE = "group:manage"
    QUALITY_ACCEPT = "quality:accept"
    QUALITY_READ = "quality:read"
    QUALITY_RUN = "quality:run"
    STATUS_READ = "status:read"
    USER_ADD = "user:add"
    USER_CHANGE = "user:change"
    USER_LIST = "user:list"


_EMPLOYEE = frozenset(
    {
        Permission.ANALYTICS_READ_OWN,
        Permission.ANSWER_ASK,
        Permission.ANSWER_RATE,
        Permission.ANSWER_READ_OWN,
        Permission.ANSWER_READ_SHARED,
        Permission.ANSWER_SHARE,
        Permission.DOCUMENT_DOWNLOAD,
        Permission.DOCUMENT_READ,
        Permission.DOCUMENT_RETRY,
        Permission.DOCUMENT_UPLOAD,
        Permission.FEEDBACK_REVIEW,
    }
)
_MANAGER = _EMPLOYEE | {
    Permission.ANALYTICS_READ,
    Permission.ANSWER_VERIFY,
    Permission.DOCUMENT_APPROVE,
    Permission.DOCUMENT_ARCHIVE,
    Permission.DOCUMENT_CHANGE,
    Permission.DOCUMENT_RESTRICT,
    Permission.EVALUATION_CASE_MANAGE,
    Permission.QUALITY_READ,
    Permission.GAP_MANAGE,
}
_ADMIN = frozenset(Permission)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.EMPLOYEE: _EMPLOYEE,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: _ADMIN,
}

#: The row in `users` under which the command line and the pipeline act. Nobody can sign in as it.
OPERATOR_ID = UUID("00000000-0000-0000-0000-000000000001")


@dataclass(frozen=True)
class Actor:
    """A person, or the operator, on whose behalf a service works.

    Who comes with an API key: `key` names it, and `only` is what it may be used for, as far as the role allows it.
    """

    id: UUID
    username: str
    name: str
    role: Role
    must_change_password: bool = False
    key: str | None = None
    only: frozenset[Permission] | None = None

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR_ID

    def may(self, permission: Permission) -> bool:
        return not self.must_change_password and permission in PERMISSIONS[self.role] and self._key_allows(permission)

    def require_settled(self) -> None:
        """What needs no permission needs a password of one's own all the same. Raises `NotAllowed`."""
        if self.must_change_password:
            raise NotAllowed("Choose a password of your own first.")

    def require_in_person(self) -> None:
        """What needs no permission, but somebody who has signed in. Raises `NotAllowed`."""
        self.require_settled()
        self.require_no_key()

    def require_no_key(self) -> None:
        """What concerns the account itself no API key may do. Raises `NotAllowed`."""
        if self.key is not None:
            raise NotAllowed("An API key cannot change the account. Sign in for that.")

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden` unless role and API key allow it; `NotAllowed` before they chose a password."""
        self.require_settled()
        if permission not in PERMISSIONS[self.role]:
            raise Forbidden(f"Your role ({self.role.value}) does not allow this: {permission.value}.")
        if not self._key_allows(permission):
            raise Forbidden(f"This API key was not made for that: {permission.value}. Use one with a wider scope.")

    def _key_allows(self, permission: Permission) -> bool:
        return self.only is None or permission in self.only


OPERATOR = Actor(OPERATOR_ID, "kyo", "KYO operator", Role.ADMIN)
