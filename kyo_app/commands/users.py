"""`kyo users`."""

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.services import accounts
from kyo_pipeline.services.accounts import NewUser


@click.group()
def command() -> None:
    """Add people, list them, give them a new password."""


@command.command()
@click.argument("username")
@click.option("--name", help="The name that others see. The user name, unless given.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.EMPLOYEE.value, show_default=True
)
@json_option
def add(username: str, name: str | None, role: str, as_json: bool) -> None:
    """Add a person, and print the one-time password to give to them."""
    with opened_kyo() as kyo:
        _print_new(accounts.add_user(kyo, OPERATOR, username, name or username, Role(role)), as_json)


@command.command("reset-password")
@click.argument("username")
@json_option
def reset_password(username: str, as_json: bool) -> None:
    """End the sessions of a person, and print a new one-time password to give to them."""
    with opened_kyo() as kyo:
        _print_new(accounts.reset_password(kyo, OPERATOR, username), as_json)


@command.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """List everybody."""
    with opened_kyo() as kyo:
        people = accounts.list_users(kyo, OPERATOR)
    if as_json:
        print_json(people)
        return
    rows = [
        (
            person.username,
            person.role.value,
            "yes" if person.active else "no",
            f"{person.last_seen_at:%Y-%m-%d %H:%M}" if person.last_seen_at else "never",
            person.name,
        )
        for person in people
    ]
    click.echo(table(("USER", "ROLE", "ACTIVE", "LAST SEEN", "NAME"), rows))


def _print_new(user: NewUser, as_json: bool) -> None:
    actor, password = user.actor, user.one_time_password
    if as_json:
        print_json({"username": actor.username, "role": actor.role, "one_time_password": password})
        return
    click.echo(f"{actor.username}  {password}")
    click.echo("The password works once: it must be changed after signing in.", err=True)
