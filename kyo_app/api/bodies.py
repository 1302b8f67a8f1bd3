"""What JSON bodies have in common: those that come in, those that go out, and pages of a list."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from kyo_pipeline.domain.pages import MAX_PAGE

#: Deeper than that nobody reads; PostgreSQL could count further.
_MAX_OFFSET = 1_000_000


class Received(BaseModel):
    """A body that somebody sends: what it does not know is an error, since it may be misspelt."""

    model_config = ConfigDict(extra="forbid")


class Sent(BaseModel):
    """A body that answers, made from the dataclass of the same fields."""

    model_config = ConfigDict(from_attributes=True)


_NUMBER = re.compile(r"\s*[-+]?[\d._]+\s*")


def _no_number(value: Any) -> Any:
    """Pydantic takes numbers for seconds since 1970; whoever sends one has meant something else."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("It must be written as in RFC 3339, such as 2026-03-01 or 2026-03-01T09:30:00Z.")
    return value


#: A day and a moment as RFC 3339 writes them.
Day = Annotated[date, BeforeValidator(_no_number)]
Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]


class Paging(BaseModel):
    """Which part of a list is wanted."""

    limit: int
    offset: int


def _paging(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Entries of one page.")] = 25,
    offset: Annotated[int, Query(ge=0, le=_MAX_OFFSET, description="Entries that are left out before.")] = 0,
) -> Paging:
    return Paging(limit=limit, offset=offset)


WantedPage = Annotated[Paging, Depends(_paging)]

Item = TypeVar("Item", bound=BaseModel)


class Page(Sent, Generic[Item]):
    """A part of a list. `total` counts all that is wanted; `next` is the address of what follows, null at the end."""

    items: list[Item]
    total: int
    limit: int
    offset: int
    next: str | None


def page_of(request: Request, paging: Paging, items: Sequence[Item], total: int) -> Page[Item]:
    """The page that was asked for, which knows the next one."""
    following = paging.offset + paging.limit
    address = None
    if following < total and following <= _MAX_OFFSET:
        query = {**request.query_params, "limit": paging.limit, "offset": following}
        address = f"{request.url.path}?{urlencode(query)}"
    return Page(items=list(items), total=total, limit=paging.limit, offset=paging.offset, next=address)
