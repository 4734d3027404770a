"""mse-tui definition: named settings of a task type; the options are made from each type's own model."""

from functools import partial
from typing import Any

import click

from mse_tui.actions.checks import settings_model
from mse_tui.actions.definitions import create_definition, remove_definition, set_definition
from mse_tui.actions.going_live import going_live
from mse_tui.cli.changing import YES, changes, changing, sure, sure_about
from mse_tui.cli.completion import of_definitions, of_definitions_of
from mse_tui.cli.options import given, options_of
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.features import FEATURES, takes_away
from mse_tui.features.storage_definition import NO_LINKS, SET_PUBLIC_URL, StorageManagementDefinition
from mse_tui.store import queries
from mse_tui.terms import TaskType
from mse_tui.widgets.settings_facts import settings_facts
from mse_tui.widgets.wording import absolute, count


class TypeGroup(click.Group):
    """One subcommand a task type; its options are the type's settings."""

    changing = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(FEATURES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = [kind for kind in FEATURES if kind.value.casefold() == cmd_name.casefold()]
        if not found:
            return None
        return _change_command(found[0]) if self.changing else _create_command(found[0])


class ChangeGroup(TypeGroup):
    changing = True


@click.group()
def definition() -> None:
    """Named, reusable settings of a task type. They do nothing until a task uses them."""


@definition.group("new", cls=TypeGroup)
def new_definition() -> None:
    """Create a definition: mse-tui definition new MFR NAME [options]."""


@definition.group("set", cls=ChangeGroup)
def change_definition() -> None:
    """Change a definition: mse-tui definition set MFR NAME [options]. What is not given stays."""


@definition.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def list_definitions(session: Session, as_json: bool) -> None:
    """All definitions, and how many tasks use each."""
    session.site()
    rows = queries.definitions()
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo("No definitions. Create one with: mse-tui definition new MFR NAME")
        return
    headings = ("id", "type", "name", "tasks", "last modified", "by")
    table(headings, [(str(row.id), row.type, row.name, str(row.tasks), absolute(row.modified), row.modified_by)
                     for row in rows])  # fmt: skip


@definition.command("show")
@click.argument("name", shell_complete=of_definitions)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def show_definition(session: Session, name: str, as_json: bool) -> None:
    """One definition's settings."""
    row = session.definition(name)
    if as_json:
        emit_json(row)
        return
    model = settings_model(row.type)
    fields(
        [
            ("Definition", f"{row.name} (id {row.id})"),
            ("Type", row.type.label),
            ("Used by", count(row.tasks, "task")),
            ("Revision", row.revision),
            ("Last modified", f"{absolute(row.modified)} by {row.modified_by}"),
            *((fact.label, fact.value) for fact in settings_facts(model, row.settings)),
        ]
    )


@definition.command("approve")
@click.argument("name", shell_complete=of_definitions)
@click.option("--digest", help="Only if it is still this content, as mse-tui purge list shows it.")
@YES
@changing
@pass_session
def approve(session: Session, name: str, digest: str | None, yes: bool, what_if: bool, as_json: bool) -> None:
    """Approve the archive purges of a definition, as it is now; not by who wrote or last changed it.

    The same as `mse-tui purge approve`.
    """
    from mse_tui.cli.retention import approve_definition

    approve_definition(session, name, digest, yes=yes, what_if=what_if, as_json=as_json)


@definition.command("remove")
@click.argument("name", shell_complete=of_definitions)
@YES
@changing
@pass_session
def remove(session: Session, name: str, yes: bool, what_if: bool, as_json: bool) -> None:
    """Delete a definition that no task uses."""
    row = session.definition(name)
    sure(f"Remove the definition {row.name!r}?", yes=yes or what_if or row.tasks > 0)
    with changes(what_if=what_if, as_json=as_json) as telling:
        remove_definition(row.id)
        telling.say(f"Removed definition {row.name!r}.")


def _warn_of_no_links(session: Session, definition_id: int) -> None:
    """Say it where a definition makes stubs, and the site has no address for their links."""
    row = next(each for each in queries.definitions() if each.id == definition_id)
    if row.type is not TaskType.STORAGE_MANAGEMENT or not session.home.config.exists():
        return
    definition = StorageManagementDefinition.model_validate(row.settings)
    if definition.action.stubs and not session.configuration().web.public_url:
        click.echo(f"mse-tui: warning: {NO_LINKS}", err=True)
        click.echo(f"What to do: {SET_PUBLIC_URL}", err=True)


def _create_command(task_type: TaskType) -> click.Command:
    model = FEATURES[task_type].definition

    @click.command(task_type.value, help=task_type.label)
    @click.argument("name")
    @changing
    @pass_session
    def create(session: Session, /, name: str, what_if: bool, as_json: bool, **values: Any) -> None:
        if not what_if:
            session.begin()
        session.site()
        with changes(what_if=what_if, as_json=as_json) as telling:
            definition_id = create_definition(task_type, name, given(model, values))
            _warn_of_no_links(session, definition_id)
            telling.say(f"Created {task_type} definition {name!r} (id {definition_id}).", id=definition_id)

    create.params += options_of(model)
    return create


def _change_command(task_type: TaskType) -> click.Command:
    model = FEATURES[task_type].definition

    @click.command(task_type.value, help=task_type.label)
    @click.argument("name", shell_complete=of_definitions_of(task_type))
    @click.option("--rename", "new_name", help="Another name.")
    @changing
    @pass_session
    def change(
        session: Session,
        /,
        name: str,
        new_name: str | None,
        what_if: bool,
        as_json: bool,
        yes: bool = False,
        **values: Any,
    ) -> None:
        row = session.definition(f"{task_type}/{name}")
        settings = {**row.settings, **given(model, values)}
        if (live := going_live(row, settings)) is not None:
            change_it = partial(set_definition, row.id, settings, name=new_name)
            sure_about(change_it, lambda _: live.question, yes=yes or what_if)
        with changes(what_if=what_if, as_json=as_json) as telling:
            set_definition(row.id, settings, name=new_name)
            _warn_of_no_links(session, row.id)
            telling.say_if_changed(
                f"Changed definition {row.name!r}; executions that run now keep what they began with.", id=row.id
            )

    if takes_away(task_type):
        change = YES(change)
    change.params += options_of(model)
    return change
