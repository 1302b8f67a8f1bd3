"""`kyo users`."""

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.services import joining, people
from kyo_pipeline.services.joining import Invited
from kyo_pipeline.services.people import NewPerson

_role_type = click.Choice([role.value for role in Role])
_name_option = click.option("--name", help="The name that others see. The user name, unless given.")
_email_option = click.option("--email", default="", help="An e-mail address; it links the organisation's sign-in.")
_role_option = click.option("--role", type=_role_type, default=Role.EMPLOYEE.value, show_default=True)


@click.group()
def command() -> None:
    """Add and invite people, list them, change what they may do, shut them out."""


@command.command()
@click.argument("username")
@_name_option
@_email_option
@_role_option
@json_option
def add(username: str, name: str | None, email: str, role: str, as_json: bool) -> None:
    """Add a person, and print the one-time password to give to them."""
    with opened_kyo() as kyo:
        _print_new(people.add_person(kyo, OPERATOR, username, name or username, Role(role), email), as_json)


@command.command()
@click.argument("username")
@_name_option
@_email_option
@_role_option
@click.option("--again", is_flag=True, help="A new link for somebody who was invited; the old one no longer works.")
@json_option
def invite(username: str, name: str | None, email: str, role: str, again: bool, as_json: bool) -> None:
    """Add a person who chooses the password, and print what to append to the app's address for their link."""
    with opened_kyo() as kyo:
        if again:
            invited = joining.invite_again(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))
        else:
            invited = joining.invite(kyo, OPERATOR, username, name or username, Role(role), email)
    _print_invited(invited, as_json)


@command.command("list")
@click.option("--state", type=click.Choice([state.value for state in PersonState]), help="Only people in this state.")
@click.argument("text", default="")
@json_option
def list_people(text: str, state: str | None, as_json: bool) -> None:
    """List everybody, or those whose user name, name or e-mail address contains TEXT."""
    wanted = PersonState(state) if state else None
    found: list[Person] = []
    with opened_kyo() as kyo:
        while page := people.list_people(
            kyo, OPERATOR, text=text, state=wanted, limit=MAX_PAGE, offset=len(found)
        ).people:
            found.extend(page)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            person.username,
            person.role.value,
            person.state.value if person.blocked_until is None else f"{person.state.value}, blocked",
            f"{person.last_seen_at:%Y-%m-%d %H:%M}" if person.last_seen_at else "never",
            str(person.sessions),
            person.email or "",
            person.name,
        )
        for person in found
    ]
    click.echo(table(("USER", "ROLE", "STATE", "LAST SEEN", "SESSIONS", "E-MAIL", "NAME"), rows))


@command.command("set-role")
@click.argument("username")
@click.argument("role", type=_role_type)
@json_option
def set_role(username: str, role: str, as_json: bool) -> None:
    """Make a person an employee, a manager or an admin."""
    with opened_kyo() as kyo:
        person = people.change_role(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username), Role(role))
    if as_json:
        print_json({"username": person.username, "role": person.role})
    else:
        click.echo(f"{person.username} is {person.role.value} now.")


@command.command()
@click.argument("username")
def deactivate(username: str) -> None:
    """Shut a person out at once; what they have done stays."""
    with opened_kyo() as kyo:
        people.deactivate(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))
    click.echo(f"{username} is deactivated.")


@command.command()
@click.argument("username")
def reactivate(username: str) -> None:
    """Let a person in again who was deactivated."""
    with opened_kyo() as kyo:
        people.reactivate(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))
    click.echo(f"{username} is active again.")


@command.command("reset-password")
@click.argument("username")
@json_option
def reset_password(username: str, as_json: bool) -> None:
    """End the sessions of a person, and print a new one-time password to give to them."""
    with opened_kyo() as kyo:
        _print_new(people.reset_password(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username)), as_json)


@command.command()
@click.argument("username")
def unblock(username: str) -> None:
    """Let a person try again to sign in who has failed too often."""
    with opened_kyo() as kyo:
        people.unblock(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))
    click.echo(f"{username} may try again.")


@command.command("end-sessions")
@click.argument("username")
@json_option
def end_sessions(username: str, as_json: bool) -> None:
    """Sign a person out everywhere."""
    with opened_kyo() as kyo:
        ended = people.end_sessions(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))
    if as_json:
        print_json({"username": username, "ended": ended})
    else:
        click.echo(f"{username} was signed in {ended} {'time' if ended == 1 else 'times'}, and is no longer.")


@command.command()
@click.argument("username")
@_role_option
@click.option("--decline", is_flag=True, help="Delete the registration instead.")
def approve(username: str, role: str, decline: bool) -> None:
    """Let a person in who has registered."""
    with opened_kyo() as kyo:
        user_id = people.id_of(kyo, OPERATOR, username)
        if decline:
            joining.decline_registration(kyo, OPERATOR, user_id)
        else:
            joining.approve_registration(kyo, OPERATOR, user_id, Role(role))
    click.echo(f"The registration of {username} was declined." if decline else f"{username} may sign in now.")


def _print_new(new: NewPerson, as_json: bool) -> None:
    person, password = new.person, new.one_time_password
    if as_json:
        print_json({"username": person.username, "role": person.role, "one_time_password": password})
        return
    click.echo(f"{person.username}  {password}")
    click.echo("The password works once: it must be changed after signing in.", err=True)


def _print_invited(invited: Invited, as_json: bool) -> None:
    person, path = invited.person, f"/?invitation={invited.token}"
    if as_json:
        print_json({"username": person.username, "role": person.role, "path": path, "expires_at": invited.expires_at})
        return
    click.echo(f"{person.username}  {path}")
    click.echo(
        f"Append this to the address of the app. It works once, until {invited.expires_at:%Y-%m-%d %H:%M} UTC.",
        err=True,
    )
