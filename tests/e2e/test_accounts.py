"""How people come in, look after their account, and are looked after, in real browsers. Pictures as in the journeys."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Person
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

PASSWORD = "violet canoe soup 7"
PHONE = {"width": 390, "height": 844}


def test_from_an_invitation_to_a_session_that_an_admin_ends(
    stack: RunningStack, somebody: Callable[..., Person], admin_password: str
) -> None:
    admin = somebody()
    admin.opens()
    admin.signs_in("admin", admin_password)
    admin.goes_to("People")
    link = admin.invites("Erin Example", "erin", "erin@example.org")
    assert link.startswith(f"{stack.app_url}/?invitation=")
    admin.shows("people-invited")
    admin.presses("Done")
    expect(admin.page.get_by_text(link)).to_have_count(0)
    admin.shows("people")

    erin = somebody(**PHONE)
    erin.page.goto(link)
    erin.sees("Welcome, Erin Example.")
    erin.shows("invitation")
    erin.page.get_by_label("Password", exact=True).fill(PASSWORD)
    erin.page.get_by_label("Password again").fill(PASSWORD)
    erin.presses("Save password")
    erin.sees("Your password is saved.")
    assert "invitation" not in erin.page.url
    erin.signs_in("erin", PASSWORD)
    erin.sees("Ask your organisation")
    erin.goes_to("Profile")
    erin.sees("Chrome on Linux")
    erin.sees("this session")
    erin.shows("phone-profile", whole=True)
    late = somebody()
    late.page.goto(link)
    late.sees("This invitation has been used")
    late.presses("Go to the sign-in")

    admin.goes_to("Ask")
    admin.goes_to("People")
    admin.presses("Erin Example")
    admin.sees("Signed in with one browser")
    admin.shows("person", whole=True)
    admin.presses("End sessions")
    admin.presses("End all their sessions")
    admin.sees("Ended: 1 session")
    erin.presses("Save")
    expect(erin.page.get_by_role("button", name="Sign in")).to_be_visible()

    for number in range(5):
        late.signs_in("erin", f"wrong {number}")
        late.sees("The user name or the password is wrong.")
        late.page.reload()
    late.signs_in("erin", PASSWORD)
    late.sees("Too many tries have failed.")
    late.shows("blocked")
    admin.page.reload()
    admin.sees(re.compile("Sign-in blocked until"))
    admin.presses("Let them try again now")
    admin.sees("Erin Example may try again.")
    late.signs_in("erin", PASSWORD)
    late.sees("Ask your organisation")
    late.goes_to("Profile")
    late.shows("profile", whole=True)

    phone = somebody(**PHONE)
    phone.opens("people")
    phone.signs_in("admin", admin_password)
    phone.sees("Erin Example")
    phone.shows("phone-people")
