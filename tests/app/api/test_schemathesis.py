"""Schemathesis asks the API all that its document allows, and much that it does not: as an admin, and as an employee.

Half of the ids are those of things that are there. What it asks is the same at each run; for a long one, which asks
other things each time:

    KYO_SCHEMATHESIS_EXAMPLES=1000 pytest tests/app/api/test_schemathesis.py
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import HookContext
from starlette.applications import Starlette

from kyo_app import runtime
from kyo_app.api.app import PREFIX, create_api, mounted
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing

EXAMPLES = os.environ.get("KYO_SCHEMATHESIS_EXAMPLES")
CONFIG = {
    "generation": {
        "max-examples": int(EXAMPLES or 20),
        "deterministic": EXAMPLES is None,
        "database": "none",
        "allow-extra-parameters": False,  # parameters of a query that are unknown are ignored
        "with-security-parameters": False,  # there is the right token, and it is tried without
    },
    "phases": {"stateful": {"enabled": False}},
    # What is right by its schema may still be refused: a password that is easy to guess, an id that is nowhere.
    "checks": {
        "positive_data_acceptance": {"enabled": False},
        "negative_data_rejection": {"expected-statuses": ["4xx"]},  # too long is 413, 414 or 431 here
    },
    # In a form all is text: a number instead of a file arrives as a file with that number in it.
    "operations": [
        {"include-name": "POST /documents/upload/", "checks": {"negative_data_rejection": {"enabled": False}}}
    ],
    **({} if EXAMPLES else {"seed": 1}),  # else xdist gives each run another one
}
#: Here one person asks what an organisation asks in a day.
GENEROUS = {"MAX_QUERIES_PER_DAY": 10**6, "KYO_QUERIES_PER_MINUTE": 10**6, "KYO_UPLOADS_PER_HOUR": 10**6}

Known = dict[str, list[str]]

# They are connected to nothing until a test runs. Schemathesis makes a test of each operation that it knows by now.
SITE = Starlette(routes=[mounted(create_api())])
SCHEMA = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", SITE, config=schemathesis.Config.from_dict(CONFIG))

# What one question leaves behind is there at the next one, as it would be.
ONE_DATABASE = settings(suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture
def known(kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]) -> Known:
    """Ids of things that are there, by the beginning of the name of the parameter that takes them."""
    texts = ["Everyone has 27 days of paid leave.", "A hotel costs 140 euros at most.", "Trains are second class."]
    uploads = [library.upload(kyo, employee, f"{n}.txt", text.encode()).document for n, text in enumerate(texts)]
    run_pipeline()
    for document in uploads[:2]:
        reviewing.approve(kyo, manager, document.latest.id)
    asked = [asking.ask(kyo, employee, "How many days of leave does everyone have?") for _ in range(2)]
    return {"document": [str(one.id) for one in uploads], "answer": [str(one.id) for one in asked]}


@pytest.fixture
def asked(kyo: Kyo, known: Known) -> Iterator[None]:
    """The API is there, and half of the ids that are asked for are those of what is there."""

    def hit(context: HookContext, values: Any) -> Any:  # noqa: ARG001 — Schemathesis calls it so
        return _half_known(values, known)

    SCHEMA.hook("map_path_parameters")(hit)
    SCHEMA.hook("map_body")(hit)
    with runtime.using(replace(kyo, settings=kyo.settings.model_copy(update=GENEROUS))):
        yield
    SCHEMA.hooks.unregister_all()


@SCHEMA.parametrize()
@pytest.mark.usefixtures("asked")
@ONE_DATABASE
def test_an_admin_gets_nothing_undocumented(
    case: schemathesis.Case, token_of: Callable[[Actor], str], admin: Actor
) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token_of(admin)}"})


@SCHEMA.parametrize()
@pytest.mark.usefixtures("asked")
@ONE_DATABASE
def test_an_employee_gets_nothing_undocumented(
    case: schemathesis.Case, token_of: Callable[[Actor], str], employee: Actor
) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token_of(employee)}"})


def _half_known(values: Any, known: Known) -> Any:
    """Every other id becomes one that is there. What is none stays as it is: it is to be refused."""
    if not isinstance(values, dict):
        return values
    return {name: _known(name, value, known) for name, value in values.items()}


def _known(name: str, value: Any, known: Known) -> Any:
    for beginning, ids in known.items():
        if name.startswith(beginning) and isinstance(value, str):
            with suppress(ValueError):
                number = UUID(value).int
                return ids[number // 2 % len(ids)] if number % 2 else value
    return value
