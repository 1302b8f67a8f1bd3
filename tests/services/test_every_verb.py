"""What holds for every verb: the permission is asked for first, and no deed stands without its audit row."""

import importlib
import inspect
import pkgutil
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from kyo_pipeline import services
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, PERMISSIONS, Actor, Permission, Role
from kyo_pipeline.domain.analytics import Period
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.feedback_items import Resolution
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    accounts,
    alerting,
    analytics,
    api_keys,
    asking,
    auditing,
    collections,
    curating,
    doctor,
    embedding_sets,
    evaluating,
    evaluation_cases,
    feedback_items,
    followed_questions,
    gaps,
    groups,
    health,
    history,
    joining,
    judging,
    library,
    likenesses,
    limits,
    people,
    quality,
    reprocessing,
    reviewing,
    shared_answers,
    sharing,
    signing_in,
    sources,
    verifying,
)
from kyo_pipeline.services.gap_finding import find_gaps
from tests.embedding_sets import build
from tests.fakes import RollbackDatabase
from tests.gaps import ROOMS, not_found
from tests.nights import add_night
from tests.recipients import a_group, a_person

SERVICES = services.__name__
NOBODY = UUID(int=0)
NO_SET: Any = None  # who lacks the permission is refused before anybody looks at it
PASSWORD = "plum tree river"
TODAY = Period(date(2027, 1, 1), date(2027, 1, 1))
Verb = Callable[[Kyo, Actor], object]

VERBS: dict[str, tuple[Permission, Verb]] = {
    "analytics.collections_of": (Permission.ANALYTICS_READ, analytics.collections_of),
    "analytics.feedback_summary": (Permission.ANALYTICS_READ, lambda k, a: analytics.feedback_summary(k, a, TODAY)),
    "analytics.my_statistics": (Permission.ANALYTICS_READ_OWN, lambda k, a: analytics.my_statistics(k, a, TODAY)),
    "analytics.overview": (Permission.ANALYTICS_READ, lambda k, a: analytics.overview(k, a, TODAY)),
    "alerting.overview": (Permission.ALERT_READ, alerting.overview),
    "alerting.send_trial": (Permission.ALERT_TEST, alerting.send_trial),
    "asking.ask": (Permission.ANSWER_ASK, lambda k, a: asking.ask(k, a, "Why?")),
    "asking.search": (Permission.ANSWER_ASK, lambda k, a: asking.search(k, a, "Why?")),
    "auditing.end": (Permission.AUDIT_READ, auditing.end),
    "auditing.export": (Permission.AUDIT_READ, lambda k, a: list(auditing.export(k, a, Format.JSONL))),
    "auditing.kept_anchors": (Permission.AUDIT_READ, auditing.kept_anchors),
    "auditing.list_events": (Permission.AUDIT_READ, auditing.list_events),
    "auditing.list_people": (Permission.AUDIT_READ, auditing.list_people),
    "auditing.list_records": (Permission.AUDIT_READ, auditing.list_records),
    "auditing.place_of": (Permission.AUDIT_READ, lambda k, a: auditing.place_of(k, a, 1)),
    "auditing.verify": (Permission.AUDIT_READ, auditing.verify),
    "collections.candidates": (Permission.COLLECTION_MANAGE, collections.candidates),
    "collections.change": (
        Permission.COLLECTION_MANAGE,
        lambda k, a: collections.change(k, a, NOBODY, "New", "", review_months=None, downloadable=True),
    ),
    "collections.create": (Permission.COLLECTION_MANAGE, lambda k, a: collections.create(k, a, "New")),
    "collections.delete": (Permission.COLLECTION_MANAGE, lambda k, a: collections.delete(k, a, NOBODY)),
    "collections.grant": (
        Permission.COLLECTION_MANAGE,
        lambda k, a: collections.grant(k, a, NOBODY, a_person(a.id), Access.APPROVE),
    ),
    "collections.list_all": (Permission.COLLECTION_MANAGE, collections.list_all),
    "collections.named": (Permission.COLLECTION_MANAGE, lambda k, a: collections.named(k, a, "General")),
    "collections.read_access": (Permission.COLLECTION_MANAGE, lambda k, a: collections.read_access(k, a, NOBODY)),
    "collections.revoke": (
        Permission.COLLECTION_MANAGE,
        lambda k, a: collections.revoke(k, a, NOBODY, a_person(a.id)),
    ),
    "collections.set_everyone": (
        Permission.COLLECTION_MANAGE,
        lambda k, a: collections.set_everyone(k, a, NOBODY, Access.APPROVE),
    ),
    "doctor.check_index": (Permission.STATUS_READ, doctor.check_index),
    "doctor.check_store": (Permission.STATUS_READ, doctor.check_store),
    "doctor.repair": (Permission.DOCUMENT_REPROCESS, doctor.repair),
    "embedding_sets.activate": (
        Permission.EMBEDDING_SET_MANAGE,
        lambda k, a: embedding_sets.activate(k, a, 1, "Why not?"),
    ),
    "embedding_sets.build": (Permission.EMBEDDING_SET_MANAGE, embedding_sets.build),
    "embedding_sets.drop": (Permission.EMBEDDING_SET_MANAGE, lambda k, a: embedding_sets.drop(k, a, 1)),
    "embedding_sets.overview": (Permission.EMBEDDING_SET_MANAGE, embedding_sets.overview),
    "embedding_sets.request": (Permission.EMBEDDING_SET_MANAGE, embedding_sets.request),
    "embedding_sets.resume": (Permission.EMBEDDING_SET_MANAGE, lambda k, a: embedding_sets.resume(k, a, 1)),
    "embedding_sets.retire": (Permission.EMBEDDING_SET_MANAGE, lambda k, a: embedding_sets.retire(k, a, 1)),
    "embedding_sets.roll_back": (Permission.EMBEDDING_SET_MANAGE, embedding_sets.roll_back),
    "evaluating.active_spec": (Permission.ANSWER_ASK, evaluating.active_spec),
    "evaluating.add_shelves": (Permission.COLLECTION_MANAGE, lambda k, a: evaluating.add_shelves(k, a, ["one"])),
    "evaluating.lay_out": (Permission.DOCUMENT_APPROVE, lambda k, a: evaluating.lay_out(k, a, [], {}, "run")),
    "evaluating.rank": (Permission.ANSWER_ASK, lambda k, a: evaluating.rank(k, a, "Why?", {})),
    "evaluating.reply": (Permission.ANSWER_ASK, lambda k, a: evaluating.reply(k, a, "Why?")),
    "evaluating.require_space": (
        Permission.EMBEDDING_SET_TUNE,
        lambda k, a: evaluating.require_space(k, a, k.embedder.spec),
    ),
    "evaluating.tune": (Permission.EMBEDDING_SET_TUNE, lambda k, a: evaluating.tune(k, a, k.embedder.spec, 0.5, 0.5)),
    "evaluating.weigh_evidence": (Permission.ANSWER_ASK, lambda k, a: evaluating.weigh_evidence(k, a, "Why?")),
    "evaluation_cases.add": (
        Permission.EVALUATION_CASE_MANAGE,
        lambda k, a: evaluation_cases.add(k, a, "Why?", [NOBODY]),
    ),
    "evaluation_cases.add_answer": (
        Permission.EVALUATION_CASE_MANAGE,
        lambda k, a: evaluation_cases.add_answer(k, a, NOBODY),
    ),
    "evaluation_cases.export": (
        Permission.EVALUATION_CASE_EXPORT,
        lambda k, a: evaluation_cases.export(k, a, Path("/nowhere")),
    ),
    "evaluation_cases.list_cases": (Permission.EVALUATION_CASE_MANAGE, lambda k, a: evaluation_cases.list_cases(k, a)),
    "evaluation_cases.restore": (
        Permission.EVALUATION_CASE_MANAGE,
        lambda k, a: evaluation_cases.restore(k, a, NOBODY),
    ),
    "evaluation_cases.retire": (Permission.EVALUATION_CASE_MANAGE, lambda k, a: evaluation_cases.retire(k, a, NOBODY)),
    "feedback_items.count_open": (Permission.FEEDBACK_REVIEW, feedback_items.count_open),
    "feedback_items.list_items": (Permission.FEEDBACK_REVIEW, lambda k, a: feedback_items.list_items(k, a)),
    "feedback_items.read_item": (Permission.FEEDBACK_REVIEW, lambda k, a: feedback_items.read_item(k, a, NOBODY)),
    "feedback_items.resolve": (
        Permission.FEEDBACK_REVIEW,
        lambda k, a: feedback_items.resolve(k, a, NOBODY, Resolution.CONFIRMED),
    ),
    "followed_questions.answered": (Permission.ANSWER_READ_OWN, followed_questions.answered),
    "followed_questions.dismiss": (
        Permission.ANSWER_READ_OWN,
        lambda k, a: followed_questions.dismiss(k, a, NOBODY),
    ),
    "followed_questions.follow": (Permission.ANSWER_READ_OWN, lambda k, a: followed_questions.follow(k, a, NOBODY)),
    "followed_questions.is_followed": (
        Permission.ANSWER_READ_OWN,
        lambda k, a: followed_questions.is_followed(k, a, NOBODY),
    ),
    "gaps.answer": (Permission.GAP_MANAGE, lambda k, a: gaps.answer(k, a, NOBODY, NOBODY)),
    "gaps.ask_again": (Permission.GAP_MANAGE, lambda k, a: gaps.ask_again(k, a, NOBODY)),
    "gaps.assign": (Permission.GAP_MANAGE, lambda k, a: gaps.assign(k, a, NOBODY, a.id)),
    "gaps.decline": (Permission.GAP_MANAGE, lambda k, a: gaps.decline(k, a, NOBODY, "No.")),
    "gaps.list_gaps": (Permission.GAP_MANAGE, gaps.list_gaps),
    "gaps.owners": (Permission.GAP_MANAGE, lambda k, a: gaps.owners(k, a, NOBODY)),
    "gaps.plan": (Permission.GAP_MANAGE, lambda k, a: gaps.plan(k, a, NOBODY)),
    "gaps.read_gap": (Permission.GAP_MANAGE, lambda k, a: gaps.read_gap(k, a, NOBODY)),
    "gaps.reopen": (Permission.GAP_MANAGE, lambda k, a: gaps.reopen(k, a, NOBODY)),
    "groups.add_member": (Permission.GROUP_MANAGE, lambda k, a: groups.add_member(k, a, NOBODY, a.id)),
    "groups.candidates": (Permission.GROUP_MANAGE, groups.candidates),
    "groups.create": (Permission.GROUP_MANAGE, lambda k, a: groups.create(k, a, "New")),
    "groups.delete": (Permission.GROUP_MANAGE, lambda k, a: groups.delete(k, a, NOBODY)),
    "groups.list_groups": (Permission.GROUP_MANAGE, groups.list_groups),
    "groups.named": (Permission.GROUP_MANAGE, lambda k, a: groups.named(k, a, "New")),
    "groups.read_group": (Permission.GROUP_MANAGE, lambda k, a: groups.read_group(k, a, NOBODY)),
    "groups.remove_member": (Permission.GROUP_MANAGE, lambda k, a: groups.remove_member(k, a, NOBODY, a.id)),
    "groups.rename": (Permission.GROUP_MANAGE, lambda k, a: groups.rename(k, a, NOBODY, "New")),
    "health.read_overview": (Permission.STATUS_READ, health.read_overview),
    "history.list_answers": (Permission.ANSWER_READ_OWN, lambda k, a: history.list_answers(k, a)),
    "history.outcome_of_rating": (
        Permission.ANSWER_READ_OWN,
        lambda k, a: history.outcome_of_rating(k, a, NOBODY),
    ),
    "history.rate": (Permission.ANSWER_RATE, lambda k, a: history.rate(k, a, NOBODY, 1)),
    "history.read_conversation": (
        Permission.ANSWER_READ_OWN,
        lambda k, a: history.read_conversation(k, a, NOBODY),
    ),
    "history.read_answer": (Permission.ANSWER_READ_OWN, lambda k, a: history.read_answer(k, a, NOBODY)),
    "history.withdraw_rating": (Permission.ANSWER_RATE, lambda k, a: history.withdraw_rating(k, a, NOBODY)),
    "judging.judge": (Permission.EMBEDDING_SET_MANAGE, lambda k, a: judging.judge(k, a, NO_SET, NO_SET)),
    "library.list_collections": (Permission.DOCUMENT_READ, lambda k, a: library.list_collections(k, a, Access.READ)),
    "library.list_documents": (Permission.DOCUMENT_READ, lambda k, a: library.list_documents(k, a)),
    "library.list_history": (Permission.DOCUMENT_READ, lambda k, a: library.list_history(k, a, NOBODY)),
    "library.list_versions": (Permission.DOCUMENT_READ, lambda k, a: library.list_versions(k, a, [])),
    "library.preview": (Permission.DOCUMENT_READ, lambda k, a: library.preview(k, a, NOBODY)),
    "library.read_document": (Permission.DOCUMENT_READ, lambda k, a: library.read_document(k, a, NOBODY)),
    "library.read_passage": (Permission.DOCUMENT_READ, lambda k, a: library.read_passage(k, a, NOBODY, 0, 1)),
    "library.retry": (Permission.DOCUMENT_RETRY, lambda k, a: library.retry(k, a, NOBODY)),
    "library.send_for_review": (Permission.DOCUMENT_UPLOAD, lambda k, a: library.send_for_review(k, a, NOBODY)),
    "library.upload": (Permission.DOCUMENT_UPLOAD, lambda k, a: library.upload(k, a, "a.txt", b"text")),
    "people.add_person": (Permission.USER_ADD, lambda k, a: people.add_person(k, a, "new", "New", Role.EMPLOYEE)),
    "joining.approve_registration": (Permission.USER_ADD, lambda k, a: joining.approve_registration(k, a, NOBODY)),
    "people.change_role": (Permission.USER_CHANGE, lambda k, a: people.change_role(k, a, a.id, Role.ADMIN)),
    "people.deactivate": (Permission.USER_CHANGE, lambda k, a: people.deactivate(k, a, NOBODY)),
    "joining.decline_registration": (Permission.USER_ADD, lambda k, a: joining.decline_registration(k, a, NOBODY)),
    "people.end_sessions": (Permission.USER_CHANGE, lambda k, a: people.end_sessions(k, a, a.id)),
    "people.id_of": (Permission.USER_LIST, lambda k, a: people.id_of(k, a, a.username)),
    "joining.invite": (Permission.USER_ADD, lambda k, a: joining.invite(k, a, "new", "New", Role.EMPLOYEE)),
    "joining.invite_again": (Permission.USER_ADD, lambda k, a: joining.invite_again(k, a, a.id)),
    "people.list_people": (Permission.USER_LIST, lambda k, a: people.list_people(k, a)),
    "people.reactivate": (Permission.USER_CHANGE, lambda k, a: people.reactivate(k, a, a.id)),
    "people.read_access": (Permission.USER_LIST, lambda k, a: people.read_access(k, a, a.id)),
    "people.read_person": (Permission.USER_LIST, lambda k, a: people.read_person(k, a, a.id)),
    "people.reset_password": (Permission.USER_CHANGE, lambda k, a: people.reset_password(k, a, a.id)),
    "people.unblock": (Permission.USER_CHANGE, lambda k, a: people.unblock(k, a, a.id)),
    "likenesses.similar": (Permission.DOCUMENT_READ, lambda k, a: likenesses.similar(k, a, NOBODY)),
    "limits.read_allowance": (Permission.ANSWER_ASK, limits.read_allowance),
    "quality.accept": (Permission.QUALITY_ACCEPT, quality.accept),
    "quality.history": (Permission.QUALITY_READ, quality.history),
    "quality.run": (Permission.QUALITY_RUN, quality.run),
    "reprocessing.reprocess": (
        Permission.DOCUMENT_REPROCESS,
        lambda k, a: reprocessing.reprocess(k, a, everything=True),
    ),
    "reviewing.approve": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.approve(k, a, NOBODY)),
    "curating.add_tags": (Permission.DOCUMENT_CHANGE, lambda k, a: curating.add_tags(k, a, NOBODY, ["new"])),
    "curating.archive": (Permission.DOCUMENT_ARCHIVE, lambda k, a: curating.archive(k, a, NOBODY)),
    "curating.change": (
        Permission.DOCUMENT_CHANGE,
        lambda k, a: curating.change(k, a, NOBODY, title="New", owner=a.id, tags=(), review_by=None),
    ),
    "curating.delete": (Permission.DOCUMENT_DELETE, lambda k, a: curating.delete(k, a, NOBODY)),
    "curating.list_tags": (Permission.DOCUMENT_READ, curating.list_tags),
    "curating.move": (Permission.DOCUMENT_CHANGE, lambda k, a: curating.move(k, a, NOBODY, "General")),
    "curating.owners": (Permission.DOCUMENT_CHANGE, lambda k, a: curating.owners(k, a, NOBODY)),
    "curating.restore": (Permission.DOCUMENT_ARCHIVE, lambda k, a: curating.restore(k, a, NOBODY)),
    "reviewing.confirm": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.confirm(k, a, NOBODY)),
    "reviewing.overdue": (Permission.DOCUMENT_READ, lambda k, a: reviewing.overdue(k, a)),
    "reviewing.reject": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.reject(k, a, NOBODY, "No.")),
    "reviewing.roll_back": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.roll_back(k, a, NOBODY)),
    "reviewing.waiting": (Permission.DOCUMENT_APPROVE, lambda k, a: reviewing.waiting(k, a)),
    "shared_answers.read_shared": (
        Permission.ANSWER_READ_SHARED,
        lambda k, a: shared_answers.read_shared(k, a, NOBODY),
    ),
    "shared_answers.share": (Permission.ANSWER_SHARE, lambda k, a: shared_answers.share(k, a, NOBODY)),
    "shared_answers.stop_sharing": (Permission.ANSWER_SHARE, lambda k, a: shared_answers.stop_sharing(k, a, NOBODY)),
    "sharing.add_reader": (Permission.DOCUMENT_RESTRICT, lambda k, a: sharing.add_reader(k, a, NOBODY, a_person(a.id))),
    "sharing.candidates": (Permission.DOCUMENT_RESTRICT, sharing.candidates),
    "sharing.read_sharing": (Permission.DOCUMENT_RESTRICT, lambda k, a: sharing.read_sharing(k, a, NOBODY)),
    "sharing.remove_reader": (
        Permission.DOCUMENT_RESTRICT,
        lambda k, a: sharing.remove_reader(k, a, NOBODY, a_person(a.id)),
    ),
    "sharing.restrict": (Permission.DOCUMENT_RESTRICT, lambda k, a: sharing.restrict(k, a, NOBODY)),
    "sources.compare": (Permission.DOCUMENT_READ, lambda k, a: sources.compare(k, a, NOBODY, NOBODY)),
    "sources.download": (Permission.DOCUMENT_DOWNLOAD, lambda k, a: sources.download(k, a, NOBODY)),
    "sources.page_image": (Permission.DOCUMENT_READ, lambda k, a: sources.page_image(k, a, NOBODY, 1, 0, 1)),
    "sources.read_source": (Permission.DOCUMENT_READ, lambda k, a: sources.read_source(k, a, NOBODY)),
    "sharing.unrestrict": (Permission.DOCUMENT_RESTRICT, lambda k, a: sharing.unrestrict(k, a, NOBODY)),
    "verifying.list_verified": (Permission.ANSWER_VERIFY, verifying.list_verified),
    "verifying.read_verified": (Permission.ANSWER_VERIFY, lambda k, a: verifying.read_verified(k, a, NOBODY)),
    "verifying.replaced": (Permission.ANSWER_VERIFY, lambda k, a: verifying.replaced(k, a, NOBODY, "Why?")),
    "verifying.verify": (Permission.ANSWER_VERIFY, lambda k, a: verifying.verify(k, a, NOBODY, "Why?")),
    "verifying.withdraw": (Permission.ANSWER_VERIFY, lambda k, a: verifying.withdraw(k, a, NOBODY)),
}

#: Verbs for which being signed in is enough, or which ask for no permission of their own.
NO_PERMISSION = {
    "accounts.change_password": "everybody's own account, and the way out of a one-time password",
    "accounts.change_profile": "everybody's own account",
    "accounts.end_other_sessions": "everybody's own sessions",
    "accounts.end_session": "everybody's own sessions",
    "accounts.list_sessions": "everybody's own sessions",
    "accounts.read_profile": "everybody's own account",
    "api_keys.create": "everybody's own keys",
    "api_keys.list_keys": "everybody's own keys",
    "api_keys.revoke": "everybody's own keys",
    "asking.stream_answer": "a generator: asking.ask is it, to its end",
    "history.still_readable": "what one may not read is not in its answer",
    "refusals.record": "is what was refused",
    "curating.may_curate": "says yes or no",
    "reviewing.may_confirm": "says the reason why not, as a sentence",
    "reviewing.may_approve": "says the reason why not, as a sentence",
    "verifying.may_verify": "says yes or no",
}


def test_every_verb_of_an_actor_is_here() -> None:
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(services.__path__, f"{SERVICES}.")]
    verbs = {
        f"{module.__name__.removeprefix(f'{SERVICES}.')}.{name}"
        for module in modules
        for name, verb in inspect.getmembers(module, inspect.isfunction)
        if verb.__module__ == module.__name__ and name[0] != "_" and "actor" in inspect.signature(verb).parameters
    }
    assert verbs == {*VERBS, *NO_PERMISSION}
    assert not VERBS.keys() & NO_PERMISSION.keys()


DENIED = [
    pytest.param(role, verb, id=f"{role.value} {name}")
    for name, (permission, verb) in VERBS.items()
    for role in Role
    if permission not in PERMISSIONS[role]
]


@pytest.mark.parametrize(("role", "verb"), DENIED)
def test_who_lacks_the_permission_is_refused_and_nothing_is_written(
    kyo: Kyo, person: Callable[[Role], Actor], audited: Callable[[], list[str]], role: Role, verb: Verb
) -> None:
    with pytest.raises(NotAllowed, match=f"Your role \\({role.value}\\)"):
        verb(kyo, person(role))
    assert audited() == []


@pytest.mark.parametrize("name", VERBS)
def test_a_one_time_password_allows_nothing_but_changing_it(kyo: Kyo, admin: Actor, name: str) -> None:
    _, verb = VERBS[name]
    with pytest.raises(NotAllowed, match="Choose a password of your own first"):
        verb(kyo, replace(admin, must_change_password=True))


# The deed and its audit row ---------------------------------------------------------------------------------------


@pytest.fixture
def deeds(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    admin: Actor,
    publish: Callable[[str, str], None],
    pipeline: Kyo,
    sql: Callable[..., list[Any]],
    tmp_path: Path,
) -> dict[str, Callable[[], object]]:
    """Every verb that changes something, ready to be done."""
    publish("leave.txt", "Everybody has thirty days of leave.")
    [published] = library.list_documents(kyo, employee).documents
    answer = asking.ask(kyo, employee, "How many days of leave?")
    shared = shared_answers.share(kyo, employee, asking.ask(kyo, employee, "How many days of leave has everybody?").id)
    disliked = asking.ask(kyo, employee, "How many days of leave are there?")
    history.rate(kyo, employee, disliked.id, -1)
    [item] = feedback_items.list_items(kyo, employee).items
    case = evaluation_cases.add(kyo, admin, "How many days?", [published.id]).id
    left_out = evaluation_cases.retire(kyo, admin, evaluation_cases.add(kyo, admin, "Days?", [published.id]).id).id
    asked = asking.ask(kyo, manager, "How many days of leave?")
    verified = verifying.verify(
        kyo, manager, asking.ask(kyo, manager, "What days of leave?").id, "Which days of leave?"
    )
    waiting = library.upload(kyo, employee, "new.txt", b"New text.").document
    draft = library.upload(kyo, employee, "draft.txt", b"A draft.", draft=True).document
    publish("twice.txt", "The first version.")
    publish("twice.txt", "The second version.")
    [twice] = library.list_documents(kyo, employee, text="twice").documents
    [first] = sql("select id from document_versions where document_id = :id and number = 1", id=twice.id)
    archived = curating.archive(kyo, manager, library.upload(kyo, employee, "old.txt", b"Old text.").document.id)
    replaced = build(pipeline, Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, replaced)
    embedding_sets.roll_back(kyo, admin)
    given_up = build(pipeline, Verdict.NOT_WORSE)
    embedding_sets.retire(kyo, admin, given_up)
    anna = people.add_person(kyo, admin, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person
    key = api_keys.create(kyo, anna, "an agent", frozenset({Scope.ANSWERS_ASK}), 30).key
    ticket = signing_in.sign_in(kyo, "anna", PASSWORD, "browser")
    token, _ = signing_in.redeem_ticket(kyo, signing_in.sign_in(kyo, "anna", PASSWORD, "browser"), "browser")
    for _ in range(3):
        with pytest.raises(NotAllowed):
            signing_in.sign_in(kyo, "anna", "wrong", "browser")
    invited = joining.invite(kyo, admin, "cleo", "Cleo", Role.EMPLOYEE)
    gone = people.add_person(kyo, admin, "dora", "Dora", Role.EMPLOYEE, "", PASSWORD).person
    people.deactivate(kyo, admin, gone.id)
    registering = replace(kyo, settings=kyo.settings.model_copy(update={"KYO_REGISTRATION": "approval"}))
    joining.register(registering, "eric", "Eric", "eric@example.org", PASSWORD)
    eric = people.id_of(kyo, admin, "eric")
    board = collections.create(kyo, admin, "Board").id
    collections.grant(kyo, admin, board, a_person(anna.id), Access.READ)
    team = groups.create(kyo, admin, "Team").id
    groups.add_member(kyo, admin, team, anna.id)
    sharing.add_reader(kyo, manager, waiting.id, a_person(anna.id))
    sharing.restrict(kyo, manager, waiting.id)
    wondered = not_found(kyo, employee, ROOMS[0], [published.id])
    followed = not_found(kyo, employee, ROOMS[1], [published.id])
    followed_questions.follow(kyo, employee, followed)
    find_gaps(pipeline)
    [gap] = [one for one in gaps.list_gaps(kyo, admin).gaps if one.label in ROOMS]
    done = gaps.answer(kyo, admin, gap.id, published.id).gap
    identity = Identity("https://id.example", "1", "frida@example.org", True, "Frida")
    frida = people.add_person(kyo, admin, "frida", "Frida", Role.EMPLOYEE, "frida@example.org", PASSWORD).person
    add_night(sql, worse=True)
    return {
        "alert:test": lambda: alerting.send_trial(kyo, admin),
        "answer:ask": lambda: asking.ask(kyo, employee, "Another?"),
        "answer:rate": lambda: history.rate(kyo, employee, answer.id, 1),
        "answer:unrate": lambda: history.withdraw_rating(kyo, employee, disliked.id),
        "answer:share": lambda: shared_answers.share(kyo, employee, answer.id),
        "answer:unshare": lambda: shared_answers.stop_sharing(kyo, employee, shared.id),
        "answer:verify": lambda: verifying.verify(kyo, manager, asked.id, "How many days?"),
        "answer:withdraw": lambda: verifying.withdraw(kyo, manager, verified.id),
        "collection:change": lambda: collections.change(
            kyo, admin, board, "Council", "", review_months=None, downloadable=True
        ),
        "collection:create": lambda: collections.create(kyo, admin, "Finance"),
        "collection:delete": lambda: collections.delete(kyo, admin, board),
        "collection:grant": lambda: collections.grant(kyo, admin, board, a_group(team), Access.READ),
        "collection:revoke": lambda: collections.revoke(kyo, admin, board, a_person(anna.id)),
        "document:add_reader": lambda: sharing.add_reader(kyo, manager, waiting.id, a_group(team)),
        "document:approve": lambda: reviewing.approve(kyo, manager, waiting.latest.id),
        "document:archive": lambda: curating.archive(kyo, manager, published.id),
        "document:change": lambda: curating.add_tags(kyo, manager, published.id, ["new"]),
        "document:confirm": lambda: reviewing.confirm(kyo, manager, published.id),
        "document:delete": lambda: curating.delete(kyo, admin, twice.id),
        "document:move": lambda: curating.move(kyo, admin, published.id, "Board"),
        "document:download": lambda: sources.download(kyo, employee, published.latest.id),
        "document:reject": lambda: reviewing.reject(kyo, manager, waiting.latest.id, "No."),
        "document:remove_reader": lambda: sharing.remove_reader(kyo, manager, waiting.id, a_person(anna.id)),
        "document:reprocess": lambda: reprocessing.reprocess(kyo, admin, document_id=published.id),
        "document:restore": lambda: curating.restore(kyo, manager, archived.id),
        "document:restrict": lambda: sharing.restrict(kyo, manager, published.id),
        "document:roll_back": lambda: reviewing.roll_back(kyo, manager, first.id),
        "document:submit": lambda: library.send_for_review(kyo, employee, draft.latest.id),
        "document:unrestrict": lambda: sharing.unrestrict(kyo, manager, waiting.id),
        "document:upload": lambda: library.upload(kyo, employee, "other.txt", b"Other text."),
        "embedding_set:activate": lambda: embedding_sets.activate(kyo, admin, given_up),
        "embedding_set:build": lambda: embedding_sets.build(pipeline, OPERATOR),
        "embedding_set:drop": lambda: embedding_sets.drop(kyo, admin, given_up),
        "embedding_set:request": lambda: embedding_sets.request(kyo, admin),
        "embedding_set:retire": lambda: embedding_sets.retire(kyo, admin, replaced),
        "embedding_set:roll_back": lambda: embedding_sets.roll_back(kyo, admin),
        "evaluation_case:add": lambda: evaluation_cases.add(kyo, admin, "Another?", [published.id]),
        "evaluation_case:export": lambda: evaluation_cases.export(kyo, admin, tmp_path / secrets.token_hex(4)),
        "evaluation_case:restore": lambda: evaluation_cases.restore(kyo, admin, left_out),
        "evaluation_case:retire": lambda: evaluation_cases.retire(kyo, admin, case),
        "feedback:resolve": lambda: feedback_items.resolve(kyo, employee, item.id, Resolution.CONFIRMED),
        "gap:answer": lambda: gaps.answer(kyo, manager, done.id, twice.id),
        "gap:ask_again": lambda: gaps.ask_again(kyo, manager, done.id),
        "gap:assign": lambda: gaps.assign(kyo, manager, done.id, admin.id),
        "gap:decline": lambda: gaps.decline(kyo, manager, done.id, "No."),
        "gap:plan": lambda: gaps.plan(kyo, manager, done.id),
        "gap:reopen": lambda: gaps.reopen(kyo, manager, done.id),
        "group:add_member": lambda: groups.add_member(kyo, admin, team, employee.id),
        "group:create": lambda: groups.create(kyo, admin, "Crew"),
        "group:delete": lambda: groups.delete(kyo, admin, team),
        "group:remove_member": lambda: groups.remove_member(kyo, admin, team, anna.id),
        "group:rename": lambda: groups.rename(kyo, admin, team, "Crew"),
        "quality:accept": lambda: quality.accept(kyo, admin),
        "question:follow": lambda: followed_questions.follow(kyo, employee, wondered),
        "question:dismiss": lambda: followed_questions.dismiss(kyo, employee, followed),
        "question:unfollow": lambda: followed_questions.follow(kyo, employee, followed, wanted=False),
        "session:end": lambda: signing_in.sign_out(kyo, token),
        "api_key:create": lambda: api_keys.create(kyo, anna, "agent", frozenset({Scope.ANSWERS_ASK}), 30),
        "api_key:revoke": lambda: api_keys.revoke(kyo, anna, key.id),
        "session:start": lambda: signing_in.redeem_ticket(kyo, ticket, "browser"),
        "user:accept_invitation": lambda: joining.accept_invitation(kyo, invited.token, PASSWORD),
        "user:add": lambda: people.add_person(kyo, admin, "bert", "Bert", Role.MANAGER),
        "user:approve": lambda: joining.approve_registration(kyo, admin, eric),
        "user:change_password": lambda: accounts.change_password(kyo, frida, PASSWORD, "another plum tree river"),
        "user:change_profile": lambda: accounts.change_profile(kyo, anna, "Anna Lee", ""),
        "user:change_role": lambda: people.change_role(kyo, admin, anna.id, Role.MANAGER),
        "user:deactivate": lambda: people.deactivate(kyo, admin, anna.id),
        "user:decline": lambda: joining.decline_registration(kyo, admin, eric),
        "user:end_sessions": lambda: people.end_sessions(kyo, admin, anna.id),
        "user:invite": lambda: joining.invite(kyo, admin, "bert", "Bert", Role.MANAGER),
        "user:link_identity": lambda: signing_in.sign_in_with_identity(kyo, identity, "browser"),
        "user:reactivate": lambda: people.reactivate(kyo, admin, gone.id),
        "user:register": lambda: joining.register(registering, "bert", "Bert", "bert@example.org", PASSWORD),
        "user:reset_password": lambda: people.reset_password(kyo, admin, anna.id),
        "user:unblock": lambda: people.unblock(kyo, admin, anna.id),
    }


#: A question counts before anything is done about it, so it stays when there is no answer, and its conversation.
NOT_DEEDS = ["conversations", "questions"]


@pytest.fixture
def everything(sql: Callable[..., list[Any]]) -> Callable[[], list[Any]]:
    """A fingerprint of all tables there are at the time: each embedding set has one of its own."""
    statement = (
        "select relname from pg_class where relkind = 'r' and relnamespace = 'kyo'::regnamespace "
        "and relname <> all(:others) order by relname"
    )

    def taken() -> list[Any]:
        names = [name for (name,) in sql(statement, others=NOT_DEEDS)]
        parts = [f"(select md5(string_agg(t::text, '' order by t::text)) from kyo.{name} t)" for name in names]  # noqa: S608 — our own tables
        return [names, *sql("select " + ", ".join(parts))]

    return taken


#: Events of which no deed stands here, and where else they are tested.
ELSEWHERE = {
    Event.ACCESS_REFUSE,  # changes nothing: test_refusals.py
    Event.ANSWER_READ,  # changes nothing either: test_on_record.py
    Event.GAP_READ,  # the same
    Event.DOCUMENT_READ,  # the same
    Event.AUDIT_BEGIN,  # once in the life of a database: tests/db/test_audit_chain.py
    Event.AUDIT_EXPORT,  # changes nothing: test_auditing.py
    Event.AUDIT_PRUNE,  # the pipeline's: test_auditing.py
    Event.AUDIT_VERIFY,  # changes nothing: test_auditing.py
    Event.ANSWER_REFUSE,  # the same: test_limits.py
    Event.DOCUMENT_REFUSE,  # the same: test_limits.py
    Event.SESSION_REFUSE,  # the same: test_signing_in.py
    Event.USER_BLOCK,  # the same: test_signing_in.py
    Event.TOKEN_REUSE,  # is what was refused: test_token_access.py
    Event.DOCUMENT_RETRY,  # needs a file that has failed: test_library.py
    Event.CORPUS_REPAIR,  # needs what should never be: test_doctor.py
    Event.EMBEDDING_SET_JUDGE,  # the pipeline's: test_judging.py
    Event.EMBEDDING_SET_TUNE,  # needs the role of the pipeline: test_evaluating.py
    Event.FILE_REMOVE,  # needs what should never be, as well: test_doctor.py
    Event.FILE_SET_ASIDE,  # the same
    Event.DOCUMENT_EXPIRE,  # the pipeline's: test_expiring.py
    Event.QUALITY_RUN,  # the pipeline's: test_quality.py
    Event.VERSION_EXPIRE,  # the same: test_retaining.py
    Event.DOCUMENT_PUBLISH,  # the pipeline's, whose runs nobody asks for: test_indexing.py
}


def test_every_event_is_done_here_or_tested_elsewhere(deeds: dict[str, Callable[[], object]]) -> None:
    assert set(deeds) == {event.value for event in set(Event) - ELSEWHERE}


def test_a_deed_is_audited_and_undone_when_it_cannot_be(
    db: RollbackDatabase,
    deeds: dict[str, Callable[[], object]],
    sql: Callable[..., list[Any]],
    everything: Callable[[], list[Any]],
    audited: Callable[[], list[str]],
    subtests: pytest.Subtests,
) -> None:
    sql(
        "create function refuse_row() returns trigger language plpgsql as "
        "$$ begin raise exception 'no row today'; end $$"
    )
    before = everything()
    for event, deed in deeds.items():
        with subtests.test(event):
            with db.undone():
                sql("create trigger no_row before insert on audit_log for each row execute function refuse_row()")
                with pytest.raises(DBAPIError, match="no row today"):
                    deed()
                assert everything() == before
            with db.undone():
                known = len(audited())
                deed()
                assert event in audited()[known:]
                assert everything() != before
