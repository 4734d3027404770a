"""Names that a shell completes: those of the site's own tasks, definitions, schedules and mailboxes.

A shell asks while a person types: nothing is created, nothing is told, and whatever goes wrong, there is no answer.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mse_tui.terms import TaskType

Completing = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def of_tasks(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Descriptions of tasks."""

    def rows() -> Iterable[tuple[str, str]]:
        from mse_tui.store.queries import tasks_of_type

        return [(row.description, row.type.label) for row in tasks_of_type()]

    return _answer(ctx, rows, incomplete)


def of_schedules(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of schedules."""

    def rows() -> Iterable[tuple[str, str]]:
        from mse_tui.store.queries import schedules

        return [(row.name, "") for row in schedules()]

    return _answer(ctx, rows, incomplete)


def of_definitions(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of definitions; of the type's alone where the line has one."""
    chosen = ctx.params.get("task_type")
    return _definitions(ctx, incomplete, TaskType(chosen) if chosen else None)


def of_definitions_of(task_type: TaskType) -> Completing:
    """Names of definitions of one type."""
    return lambda ctx, _parameter, incomplete: _definitions(ctx, incomplete, task_type)


def of_mailboxes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Addresses of archived mailboxes."""

    def rows() -> Iterable[tuple[str, str]]:
        from mse_tui.archive.views import mailboxes

        return [(row.address, row.display_name) for row in mailboxes()]

    return _answer(ctx, rows, incomplete)


def _definitions(ctx: click.Context, incomplete: str, task_type: TaskType | None) -> list[CompletionItem]:
    def rows() -> Iterable[tuple[str, str]]:
        from mse_tui.store.queries import definitions

        return [(row.name, row.type.label) for row in definitions(task_type)]

    return _answer(ctx, rows, incomplete)


def _answer(ctx: click.Context, rows: Callable[[], Iterable[tuple[str, str]]], incomplete: str) -> list[CompletionItem]:
    """Those that begin with what was typed, in any case; empty where the site can't be read."""
    begins = incomplete.casefold()
    with suppress(Exception):
        _open(ctx.find_root().params.get("home"))
        return [CompletionItem(name, help=help or None) for name, help in rows() if name.casefold().startswith(begins)]
    return []


def _open(explicit: Path | None) -> None:
    """Open the site's database to read, as it is. Raises Problem where there is none."""
    from mse_tui.home import located
    from mse_tui.store.database import open_database

    open_database(located(explicit).database, read_only=True)
