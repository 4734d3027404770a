"""mse-tui task run --what-if: what an execution would do, without one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import click

from mse_tui.actions.archive_reading import packs_of
from mse_tui.actions.contents import failed_items
from mse_tui.actions.foreseeing import foresee_task
from mse_tui.cli.engine import build_directory, build_permissions_sync
from mse_tui.cli.log import tell_would_change
from mse_tui.cli.output import emit_json, fields, light, table
from mse_tui.cli.questions import telling_waits
from mse_tui.cli.session import Session
from mse_tui.engine.clock import SystemClock
from mse_tui.engine.foreseeing import Foreseeing, Foreseen, ForeseenExecution
from mse_tui.engine.group_cache import GroupCache, scope_of
from mse_tui.engine.groups import Guard, TaskGroups
from mse_tui.engine.halts import DatabaseHalts
from mse_tui.engine.journal import Outcome
from mse_tui.engine.preparing import Choice
from mse_tui.engine.standing import Standing
from mse_tui.exchange.ews import connect
from mse_tui.features import FEATURES
from mse_tui.reasons import remedy
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Light, TaskType
from mse_tui.text import printable
from mse_tui.widgets.counters import counters_said
from mse_tui.widgets.wording import count, number


def report_what_if(
    session: Session, row: TaskRow, mailboxes: Sequence[str], first: int | None, *, as_json: bool
) -> int:
    """Look and tell; the exit code of the light that such an execution would have."""
    with _equipment(session, row) as foreseeing:
        with telling_waits():
            execution = foresee_task(foreseeing, row.id, Choice(tuple(mailboxes), first))
        members = count(len(execution.members), "mailbox", "mailboxes")
        for each in execution.look():
            if not as_json:
                click.echo(f"{number(len(execution.mailboxes))} of {members}: {printable(each.address)}", err=True)
    whole = execution.whole()
    if as_json:
        told = {"light": whole.light, "reason": whole.reason, "message": whole.message}
        found = [
            replace(
                each,
                failures=failed_items(each.failures, each.address),
                would_change=failed_items(each.would_change, each.address),
            )
            for each in execution.mailboxes
        ]
        looked = {"skipped": execution.skipped, "mailboxes": found}
        emit_json({"what_if": True, "task": row, **told, **looked})
    else:
        _tell(row, execution, whole)
    return whole.light.exit_code


@contextmanager
def _equipment(session: Session, row: TaskRow) -> Iterator[Foreseeing]:
    """The organisation and the directory for this command; Ctrl+C ends it at the next item."""
    configuration, halts, clock = session.configuration(), DatabaseHalts(), SystemClock()
    exchange = connect(configuration.exchange, halts)
    directory = build_directory(configuration, exchange, halts)
    feature = build_permissions_sync(directory) if row.type is TaskType.PERMISSIONS_SYNC else FEATURES[row.type]
    cache = GroupCache(
        session.home.cache / "groups", directory, scope=scope_of(session.site().code, configuration), now=clock.now
    )
    guard = Guard(configuration.engine.confirm_empty_group, configuration.engine.confirm_group_below_percent)
    cancel = Event()
    try:
        yield Foreseeing(
            exchange=exchange,
            groups=TaskGroups(cache, guard, clock),
            standing=Standing(directory, clock),
            features={row.type: feature},
            packs=packs_of(session.home, configuration),
            clock=clock,
            cancel=cancel,
            public_url=configuration.web.public_url,
        )
    finally:
        cancel.set()
        cache.close()
        directory.close()
        exchange.close()


def _tell(row: TaskRow, execution: ForeseenExecution, whole: Outcome) -> None:
    counters: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for each in execution.mailboxes:
        counters.update(each.counters)
        skipped.update(each.skipped)
    fields(
        [
            ("Task", f"{row.description} ({row.type})"),
            ("What if", "nothing was started, nothing was changed"),
            ("Result", f"{light(whole.light)}: {whole.message}".removesuffix(": ")),
            *((("Reason", whole.reason), ("What to do", remedy(whole.reason))) if whole.reason else ()),
            ("Mailboxes", number(len(execution.mailboxes))),
            *counters_said(row.type, counters),
            *((f"skipped: {reason}", number(value)) for reason, value in skipped.items()),
        ]
    )
    if listed := [*execution.mailboxes, *execution.left_out()]:
        click.echo()
        table(
            ("mailbox", "mode", "result", "message"),
            [(each.address, each.mode, _result(each), _message(each)) for each in listed],
            [each.light for each in listed],
        )
    for each in execution.mailboxes:
        tell_would_change(each.address, failed_items(each.would_change, each.address))


def _result(each: Foreseen) -> str:
    """Its light; one that would be skipped for an expected reason has none."""
    return "- skipped" if each.light is Light.NONE else light(each.light)


def _message(each: Foreseen) -> str:
    return f"{each.message} [{each.reason}]" if each.reason else each.message
