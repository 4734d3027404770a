"""Commands that change things: done, or with --what-if only tried; told in words or, with --json, in one shape."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from mse_tui.cli.output import emit_json
from mse_tui.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mse_tui.actions.what_if import Change

_Command = TypeVar("_Command", bound=Callable[..., object])
_Result = TypeVar("_Result")

AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
WHAT_IF = click.option("--what-if", is_flag=True, help="Only say what would be changed; change nothing.")


def changing(command: _Command) -> _Command:
    """Give a command --what-if and --json, its parameters `what_if` and `as_json`."""
    return WHAT_IF(AS_JSON(command))


def sure(question: str, *, yes: bool, about: str = "") -> None:
    """Ask before something goes; any answer but yes ends the command. Without a terminal only --yes will do.

    `about` is what a person should know before answering. Both are said on standard error.
    """
    if yes:
        return
    question = printable(question)
    if not sys.stdin.isatty():
        said = " ".join(filter(None, (about, question)))
        raise click.UsageError(f"{said} This asks for confirmation; without a terminal say --yes.")
    if about:
        click.echo(printable(about, keep_newlines=True), err=True)
    click.confirm(question, default=False, abort=True, err=True)


def sure_about(action: Callable[[], _Result], question: Callable[[_Result], str], *, yes: bool) -> None:
    """The same before an action that is tried first: what would be refused is, before anybody is asked about it.

    `question` is given what the action would give; where it says '', nothing is asked.
    """
    if yes:
        return
    from mse_tui.actions.what_if import tried

    if asked := question(tried(action)):
        sure(asked, yes=False)


class Telling:
    """What a command says at its end about what it did."""

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._facts: dict[str, object] = {}
        self._only_if_changed = False

    def say(self, *sentences: str, **facts: object) -> None:
        """In words; and what beyond the changes belongs into the JSON."""
        self._sentences += sentences
        self._facts.update(facts)

    def say_if_changed(self, *sentences: str, **facts: object) -> None:
        """As `say`; where nothing was changed, that alone is said."""
        self._only_if_changed = True
        self.say(*sentences, **facts)

    def tell(self, changes: "list[Change]", *, what_if: bool, as_json: bool) -> None:
        """Print it."""
        if as_json:
            emit_json({"what_if": what_if, "changes": changes, **self._facts})
        elif what_if:
            tell_what_if(changes)
        elif self._only_if_changed and not changes:
            click.echo("Nothing was changed: it is so already.")
        else:
            for sentence in self._sentences:
                click.echo(printable(sentence, keep_newlines=True))


@contextmanager
def changes(*, what_if: bool, as_json: bool) -> Iterator[Telling]:
    """What is done within the block is one transaction, undone with `what_if`; told at its end."""
    from mse_tui.actions.what_if import changes_within

    telling = Telling()
    with changes_within(what_if=what_if) as found:
        yield telling
    telling.tell(found, what_if=what_if, as_json=as_json)


def tell_what_if(found: "list[Change]") -> None:
    """What would be changed, a block a change."""
    if not found:
        click.echo("Nothing would be changed.")
    for change in found:
        click.echo(printable(f"Would {change.action}: {change.subject}"))
        for line in _settings(change):
            click.echo(printable(f"    {line}"))


def _settings(change: "Change") -> list[str]:
    from mse_tui.widgets.settings_facts import settings_changes

    before, after = change.before, change.after
    if isinstance(after, Mapping):
        model = model_of(change.action.rpartition(" ")[2], change.subject)
        return list(settings_changes(model, before if isinstance(before, Mapping) else {}, after))
    return [str(after)] if after else []


def model_of(kind: str, name: str) -> "type[BaseModel] | None":
    """Whose titles the settings of a definition ('MFR Everything') or a schedule have; None for all else."""
    if kind == "definition":
        from mse_tui.actions.checks import settings_model
        from mse_tui.terms import TaskType

        return settings_model(TaskType(name.partition(" ")[0]))
    if kind == "retention":
        from mse_tui.actions.retention import RetentionSettings

        return RetentionSettings
    if kind == "schedule":
        from mse_tui.engine.schedules import ScheduleSettings

        return ScheduleSettings
    return None
