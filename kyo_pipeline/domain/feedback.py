"""What people say about answers to their questions."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from kyo_pipeline.errors import Invalid

MAX_COMMENT_LENGTH = 2000


class Reason(str, Enum):
    """Why an answer did not help."""

    WRONG = "wrong"
    OUTDATED = "outdated"
    INCOMPLETE = "incomplete"
    WRONG_SOURCE = "wrong_source"
    OTHER = "other"


@dataclass(frozen=True)
class NamedDocument:
    """`version_id` answers questions now; None when none does."""

    id: UUID
    title: str
    version_id: UUID | None


@dataclass(frozen=True)
class Opinion:
    """What somebody says of an answer. Reason and right source go with a thumb down alone."""

    rating: int
    comment: str = ""
    reason: Reason | None = None
    correct_document_id: UUID | None = None

    def checked(self) -> "Opinion":
        """The same. Raises `Invalid`."""
        if self.rating not in (1, -1):
            raise Invalid("A rating is 1 (helpful) or -1 (not helpful).")
        if len(self.comment) > MAX_COMMENT_LENGTH:
            raise Invalid(f"A comment has {MAX_COMMENT_LENGTH} characters at most.")
        if self.rating == 1 and (self.reason is not None or self.correct_document_id is not None):
            raise Invalid("Only an answer that did not help has a reason and another source.")
        return self
