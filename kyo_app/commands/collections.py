"""`kyo collections`."""

from dataclasses import replace

import click

from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, table
from kyo_pipeline.domain.access import Access, GroupName, PersonName, Recipient
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.collections import MAX_REVIEW_MONTHS, CollectionAccess, CollectionDetails
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, groups, people

_LEVELS = click.Choice([access.value for access in Access])
_NONE = "none"
_LEVELS_OR_NONE = click.Choice([_NONE, *(access.value for access in Access)])

_MONTHS = click.IntRange(0, MAX_REVIEW_MONTHS)

_person_option = click.option("--person", metavar="USER", help="A person, by user name.")
_group_option = click.option("--group", metavar="GROUP", help="A group, by name.")


@click.group()
def command() -> None:
    """List collections and change them: who may read, write and approve in each.

    `write` means to read and to upload, `approve` all three. Employees never approve, whatever they are given;
    administrators may do everything in every collection.
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List all collections."""
    with opened_kyo() as kyo:
        found = collections.list_all(kyo, OPERATOR)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.everyone.value if one.everyone else _NONE,
            str(one.documents),
            str(one.people),
            str(one.groups),
            one.name + (" (default)" if one.is_default else ""),
        )
        for one in found
    ]
    click.echo(table(("EVERYONE", "DOCUMENTS", "PEOPLE", "GROUPS", "NAME"), rows))


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """List who was given access to a collection."""
    with opened_kyo() as kyo:
        found = collections.read_access(kyo, OPERATOR, collections.named(kyo, OPERATOR, name).id)
    if as_json:
        print_json(found)
        return
    click.echo(table(("ACCESS", "COUNTS AS", "WHO", "NAME"), _rows(found)))


@command.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option("--everyone", type=_LEVELS_OR_NONE, default=_NONE, show_default=True, help="What everyone may do in it.")
@click.option("--review-months", type=_MONTHS, default=0, help="How long an approval holds; 0: for ever.")
@click.option("--downloads/--no-downloads", default=True, help="Whether all who may read may take files away as well.")
@json_option
def add(name: str, description: str, everyone: str, review_months: int, downloads: bool, as_json: bool) -> None:
    """Add a collection."""
    with opened_kyo() as kyo:
        made = collections.create(
            kyo,
            OPERATOR,
            name,
            description,
            _access(everyone),
            review_months=review_months or None,
            downloadable=downloads,
        )
    if as_json:
        print_json(made)


@command.command()
@click.argument("name")
@click.argument("new_name")
@click.option("--description", help="What it is for. As it was, unless given.")
def rename(name: str, new_name: str, description: str | None) -> None:
    """Give a collection another name."""
    with opened_kyo() as kyo:
        found = collections.named(kyo, OPERATOR, name)
        kept = found.description if description is None else description
        _change(kyo, replace(found, name=new_name, description=kept))


@command.command("set-rules")
@click.argument("name")
@click.option("--review-months", type=_MONTHS, help="How long an approval holds from now on; 0: for ever.")
@click.option("--downloads/--no-downloads", default=None, help="Whether all who may read may take files away as well.")
def set_rules(name: str, review_months: int | None, downloads: bool | None) -> None:
    """Say how long approvals in a collection hold, and who may take its files away. What is not given stays."""
    with opened_kyo() as kyo:
        found = collections.named(kyo, OPERATOR, name)
        months = found.review_months if review_months is None else review_months or None
        downloadable = found.downloadable if downloads is None else downloads
        _change(kyo, replace(found, review_months=months, downloadable=downloadable))


@command.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a collection that holds no documents."""
    with opened_kyo() as kyo:
        collections.delete(kyo, OPERATOR, collections.named(kyo, OPERATOR, name).id)


@command.command("set-access")
@click.argument("name")
@click.argument("access", type=_LEVELS_OR_NONE)
def set_access(name: str, access: str) -> None:
    """Say what everyone may do in a collection."""
    with opened_kyo() as kyo:
        collections.set_everyone(kyo, OPERATOR, collections.named(kyo, OPERATOR, name).id, _access(access))


@command.command()
@click.argument("name")
@click.argument("access", type=_LEVELS)
@_person_option
@_group_option
def grant(name: str, access: str, person: str | None, group: str | None) -> None:
    """Give a person or a group access to a collection, or other access than before."""
    _require_one(person, group)
    with opened_kyo() as kyo:
        found = collections.named(kyo, OPERATOR, name)
        collections.grant(kyo, OPERATOR, found.id, _recipient(kyo, person, group), Access(access))


@command.command()
@click.argument("name")
@_person_option
@_group_option
def revoke(name: str, person: str | None, group: str | None) -> None:
    """Take away what a person or a group was given by name."""
    _require_one(person, group)
    with opened_kyo() as kyo:
        found = collections.named(kyo, OPERATOR, name)
        collections.revoke(kyo, OPERATOR, found.id, _recipient(kyo, person, group))


def _change(kyo: Kyo, wanted: CollectionDetails) -> None:
    collections.change(
        kyo,
        OPERATOR,
        wanted.id,
        wanted.name,
        wanted.description,
        review_months=wanted.review_months,
        downloadable=wanted.downloadable,
    )


def _require_one(person: str | None, group: str | None) -> None:
    if (person is None) == (group is None):
        raise click.UsageError("Name either a --person or a --group.")


def _recipient(kyo: Kyo, person: str | None, group: str | None) -> Recipient:
    if group is not None:
        found = groups.named(kyo, OPERATOR, group)
        return GroupName(found.id, found.name)
    username = person or ""
    return PersonName(people.id_of(kyo, OPERATOR, username), username, username)


def _access(level: str) -> Access | None:
    return None if level == _NONE else Access(level)


def _rows(found: CollectionAccess) -> list[tuple[str, str, str, str]]:
    everyone = found.collection.everyone
    return [
        (everyone.value if everyone else _NONE, everyone.value if everyone else _NONE, "everyone", ""),
        *((given.access.value, given.access.value, "group", given.group.name) for given in found.groups),
        *(
            (
                member.access.value,
                member.effective_access.value if member.effective_access else _NONE,
                "person",
                f"{member.person.username}  {member.person.name}",
            )
            for member in found.members
        ),
    ]
