"""`kyo gaps`, in this process, on an installation of its own."""

import json
from dataclasses import replace

import pytest

from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services.gap_finding import find_gaps
from kyo_pipeline.settings import load_settings
from tests.embedding_sets import first_set
from tests.gaps import DOGS, ROOMS, not_found
from tests.shell import Shell

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def run(shell: Shell) -> Shell:
    return replace(shell, before=("gaps",))


@pytest.fixture
def found(run: Shell) -> Actor:
    """Two gaps, found by the pipeline; gives back who has asked."""
    assert run
    app, pipeline = (open_kyo(load_settings(), role) for role in (DatabaseRole.APP, DatabaseRole.PIPELINE))
    with pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, pipeline.embedder.spec, pipeline.now())
    with app.db.transaction(OPERATOR) as tx:
        asker = users.add(tx, "asker", "Erin Example", Role.EMPLOYEE, app.now(), password_hash="none")
    for days_ago, questions in ((1, DOGS), (0, ROOMS)):
        for question in questions:
            not_found(app, asker, question, days_ago=days_ago)
    find_gaps(pipeline)
    app.close()
    pipeline.close()
    return asker


def test_before_anybody_has_looked_it_says_when_that_is(run: Shell) -> None:
    done = run("list")
    assert done.code == 0
    assert done.out.splitlines() == ["ID  STATE  QUESTIONS  PEOPLE  LAST 30 DAYS  OWNER  ABOUT"]
    assert "every night" in done.err


def test_a_line_for_each_gap_without_the_names_of_those_who_asked(run: Shell, found: Actor) -> None:
    done = run("list")
    lines = done.out.splitlines()
    assert len(lines) == 3
    assert any(question in lines[1] for question in DOGS)
    assert lines[1].split("open")[1].split()[:3] == ["3", "1", "3"]
    assert "2 gaps; last looked for at" in done.err
    assert found.name not in done.out
    assert str(found.id) not in done.out


def test_as_json_and_as_it_is_wanted(run: Shell, found: Actor) -> None:
    data = run("list", "--json").data
    assert [(gap["state"], gap["not_found"], gap["trend"]["last_month"]) for gap in data["gaps"]] == [
        ("open", 3, 3),
        ("open", 2, 2),
    ]
    assert (data["total"], data["last_run"]["questions"]) == (2, 5)
    assert found.name not in json.dumps(data)
    assert run("list", "--state", "planned", "--json").data["gaps"] == []
    assert run("list", "--kind", "disliked", "--json").data["gaps"] == []
    newest_first = run("list", "--order", "recent", "--json").data["gaps"]
    assert newest_first[0]["label"] in ROOMS
    assert run("list", "--order", "loudest").code == 2
