"""`kyo groups`."""

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.services import groups, people


@click.group()
def command() -> None:
    """List groups of people and change them: what is given to a group is given to everybody in it."""


@command.command("list")
@json_option
def list_groups(as_json: bool) -> None:
    """List all groups."""
    with opened_kyo() as kyo:
        found = groups.list_groups(kyo, OPERATOR)
    if as_json:
        print_json(found)
        return
    rows = [(str(one.people), str(one.collections), str(one.documents), one.name) for one in found]
    click.echo(table(("PEOPLE", "COLLECTIONS", "DOCUMENTS", "NAME"), rows))


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """List who is in a group."""
    with opened_kyo() as kyo:
        found = groups.read_group(kyo, OPERATOR, groups.named(kyo, OPERATOR, name).id)
    if as_json:
        print_json(found)
        return
    click.echo(table(("USER", "NAME"), [(person.username, person.name) for person in found.members]))


@command.command()
@click.argument("name")
@json_option
def add(name: str, as_json: bool) -> None:
    """Add a group."""
    with opened_kyo() as kyo:
        made = groups.create(kyo, OPERATOR, name)
    if as_json:
        print_json(made)


@command.command()
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Give a group another name."""
    with opened_kyo() as kyo:
        groups.rename(kyo, OPERATOR, groups.named(kyo, OPERATOR, name).id, new_name)


@command.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a group, and with it what its members may do because of it."""
    with opened_kyo() as kyo:
        groups.delete(kyo, OPERATOR, groups.named(kyo, OPERATOR, name).id)


@command.command("add-member")
@click.argument("name")
@click.argument("username")
def add_member(name: str, username: str) -> None:
    """Put a person into a group."""
    with opened_kyo() as kyo:
        group = groups.named(kyo, OPERATOR, name)
        groups.add_member(kyo, OPERATOR, group.id, people.id_of(kyo, OPERATOR, username))


@command.command("remove-member")
@click.argument("name")
@click.argument("username")
def remove_member(name: str, username: str) -> None:
    """Take a person out of a group."""
    with opened_kyo() as kyo:
        group = groups.named(kyo, OPERATOR, name)
        groups.remove_member(kyo, OPERATOR, group.id, people.id_of(kyo, OPERATOR, username))
