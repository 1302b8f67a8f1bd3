"""What is on record, in words: who did what to what, and what was otherwise before."""

from collections.abc import Mapping
from dataclasses import dataclass

#: By event. They follow on a name: "anna approved a document".
_DEEDS = {
    "access:refuse": "was refused access",
    "alert:test": "sent a test alert",
    "answer:ask": "asked a question",
    "answer:rate": "rated an answer",
    "answer:read": "read an answer",
    "answer:refuse": "was refused a question",
    "answer:share": "shared an answer",
    "answer:unrate": "took back the rating of an answer",
    "answer:unshare": "stopped sharing an answer",
    "answer:verify": "verified an answer",
    "answer:withdraw": "withdrew a verified answer",
    "api_key:create": "made an API key",
    "api_key:revoke": "revoked an API key",
    "audit:begin": "began the chain of the audit log",
    "audit:export": "exported the audit log",
    "audit:prune": "deleted old rows of the audit log",
    "audit:verify": "checked the audit log",
    "collection:change": "changed a collection",
    "collection:create": "created a collection",
    "collection:delete": "deleted a collection",
    "collection:grant": "gave access to a collection",
    "collection:revoke": "took access to a collection away",
    "corpus:repair": "repaired the search index",
    "document:add_reader": "gave somebody a restricted document",
    "document:approve": "approved a document",
    "document:archive": "archived a document",
    "document:change": "changed a document's title or tags",
    "document:confirm": "confirmed a document",
    "document:delete": "deleted a document",
    "document:download": "downloaded a document",
    "document:expire": "marked a document's review as overdue",
    "document:move": "moved a document",
    "document:publish": "made a document searchable",
    "document:read": "read a document",
    "document:refuse": "was refused a document",
    "document:reject": "rejected a document",
    "document:remove_reader": "took a restricted document from somebody",
    "document:reprocess": "had a document read again",
    "document:restore": "restored a document",
    "document:restrict": "restricted a document",
    "document:retry": "had a failed document tried again",
    "document:roll_back": "went back to another version of a document",
    "document:submit": "submitted a document for approval",
    "document:unrestrict": "lifted a document's restriction",
    "document:upload": "uploaded a document",
    "embedding_set:activate": "let an embedding set answer",
    "embedding_set:build": "began to build an embedding set",
    "embedding_set:drop": "dropped an embedding set",
    "embedding_set:judge": "judged an embedding set",
    "embedding_set:request": "asked for a new embedding set",
    "embedding_set:retire": "retired an embedding set",
    "embedding_set:roll_back": "went back to an earlier embedding set",
    "embedding_set:tune": "tuned an embedding set",
    "evaluation_case:add": "added a question to the evaluation set",
    "evaluation_case:export": "exported the evaluation set",
    "evaluation_case:restore": "put a question back into the evaluation set",
    "evaluation_case:retire": "took a question out of the evaluation set",
    "feedback:resolve": "settled feedback on an answer",
    "file:remove": "removed a file that no document has",
    "file:set_aside": "set a damaged file aside",
    "gap:answer": "closed a knowledge gap with a document",
    "gap:ask_again": "had the questions of a knowledge gap asked again",
    "gap:assign": "gave a knowledge gap an owner",
    "gap:read": "read a knowledge gap",
    "gap:decline": "declined a knowledge gap",
    "gap:plan": "planned to close a knowledge gap",
    "gap:reopen": "opened a knowledge gap again",
    "group:add_member": "added somebody to a group",
    "group:create": "created a group",
    "group:delete": "deleted a group",
    "group:remove_member": "removed somebody from a group",
    "group:rename": "renamed a group",
    "quality:accept": "accepted a drop in quality",
    "quality:run": "measured the quality of answers",
    "question:dismiss": "has seen that a question was answered",
    "question:follow": "asked to be told when a question is answered",
    "question:unfollow": "no longer wants to be told of a question",
    "session:end": "signed out or ended a session",
    "session:refuse": "refused a sign-in",
    "session:start": "signed in",
    "token:reuse": "was signed out: a refresh token was used twice",
    "user:accept_invitation": "accepted an invitation",
    "user:add": "added a person",
    "user:approve": "approved a registration",
    "user:block": "paused sign-in after wrong passwords",
    "user:change_password": "changed their password",
    "user:change_profile": "changed their profile",
    "user:change_role": "changed a person's role",
    "user:deactivate": "deactivated a person",
    "user:decline": "declined a registration",
    "user:end_sessions": "ended a person's sessions",
    "user:invite": "invited a person",
    "user:link_identity": "linked an account to single sign-on",
    "user:reactivate": "reactivated a person",
    "user:register": "registered an account",
    "user:reset_password": "reset a person's password",
    "user:unblock": "let a person try to sign in again",
    "version:expire": "deleted an old version of a document",
}

#: Resources, as they are called in "anything about …".
_THINGS = {
    "access": "refused access",
    "alert": "alerts",
    "answer": "answers",
    "api_key": "API keys",
    "audit": "the audit log",
    "collection": "collections",
    "corpus": "the search index",
    "document": "documents",
    "embedding_set": "embedding sets",
    "evaluation_case": "the evaluation set",
    "feedback": "feedback",
    "file": "files",
    "gap": "knowledge gaps",
    "group": "groups",
    "quality": "the quality of answers",
    "question": "questions",
    "session": "signing in and out",
    "token": "API tokens",
    "user": "people",
    "version": "versions of documents",
}

#: Details that say what a thing is called, the best first.
_NAMES = ("title", "file_name", "name", "collection", "username", "group", "person")

_SIDES = (("before", "after"), ("from", "to"))
_NOTHING = "–"


@dataclass(frozen=True)
class Change:
    """One value that is another one now."""

    what: str
    before: str
    after: str


def deed(event: str) -> str:
    """What somebody did, to follow on a name; an event without words is said as it is written."""
    return _DEEDS.get(event) or _spelled(event)


def things(object_type: str) -> str:
    """The resource of events, in the plural."""
    return _THINGS.get(object_type) or _spelled(object_type)


def label(name: str) -> str:
    """A resource, or the name of a detail, as it stands before a value."""
    words = _spelled(name)
    return words[:1].upper() + words[1:]


def has_words(event: str) -> bool:
    return event in _DEEDS and event.partition(":")[0] in _THINGS


def name_of(details: Mapping[str, object]) -> str:
    """What the thing was called then; nothing where nobody wrote that down."""
    return next((str(details[name]) for name in _NAMES if isinstance(details.get(name), str)), "")


def changes(details: Mapping[str, object]) -> list[Change]:
    """What was otherwise before; what stayed as it was is left out."""
    if (sides := _sides_of(details)) is None:
        return []
    before, after = (details[side] for side in sides)
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return [Change("", said(before), said(after))]
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return [Change(label(name), said(before.get(name)), said(after.get(name))) for name in names]


def others(details: Mapping[str, object]) -> dict[str, str]:
    """The other details."""
    sides = _sides_of(details) or ()
    return {name: said(value) for name, value in details.items() if name not in sides}


def _sides_of(details: Mapping[str, object]) -> tuple[str, str] | None:
    return next((sides for sides in _SIDES if all(side in details for side in sides)), None)


def said(value: object) -> str:
    """A value of JSON as people write it."""
    match value:
        case None | "" | []:
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(said(one) for one in value)
        case Mapping():
            return "; ".join(f"{_spelled(str(name))}: {said(one)}" for name, one in value.items()) or _NOTHING
        case _:
            return str(value)


def _spelled(name: str) -> str:
    return name.replace("_", " ").replace(":", ": ")
