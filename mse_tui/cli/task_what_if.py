"""mse-tui task run --what-if: what an execution would do, without one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import click

from mse_tui.actions.archive_reading import packs_of
from mse_tui.actions.foreseeing import foresee_task
from mse_tui.cli.engine import build_directory, build_permissions_sync
from mse_tui.cli.output import emit_json, fields, light, table
from mse_tui.cli.questions import ask
from mse_tui.cli.session import Session
from mse_tui.directory.directory import Member
from mse_tui.engine.clock import SystemClock
from mse_tui.engine.execution import Choice
from mse_tui.engine.foreseeing import Foreseeing, Foreseen
from mse_tui.engine.groups import Guard
from mse_tui.engine.halts import DatabaseHalts
from mse_tui.engine.standing import Standing
from mse_tui.exchange.ews import connect
from mse_tui.features import FEATURES
from mse_tui.features.feature import Feature
from mse_tui.reasons import Problem, Reason
from mse_tui.store.queries import TaskRow
from mse_tui.terms import Light, TaskType
from mse_tui.widgets.wording import count, number


def report_what_if(
    session: Session, row: TaskRow, mailboxes: Sequence[str], first: int | None, *, as_json: bool
) -> int:
    """Look and tell; the exit code of the light that such an execution would have."""
    answer = _members(session, row)
    members = Choice(tuple(mailboxes), first).of([_member(each) for each in answer["included"]])
    found: list[Foreseen] = []
    with _equipment(session, row) as (foreseeing, feature):
        for each in foresee_task(foreseeing, feature, row.id, members):
            found.append(each)
            if not as_json:
                click.echo(f"{number(len(found))} of {count(len(members), 'mailbox', 'mailboxes')}", err=True)
    verdict = Light.worst([each.light for each in found if each.light is not Light.NONE])
    if as_json:
        emit_json({"what_if": True, "task": row, "light": verdict, "skipped": answer["skipped"], "mailboxes": found})
    else:
        _tell(row, found, verdict)
    return verdict.exit_code


def _members(session: Session, row: TaskRow) -> dict[str, Any]:
    """The group's answer, as fresh as an execution's. Raises Problem group-empty, group-shrunk as an execution ends."""
    from mse_tui.engine.group_records import last_accepted

    fresh = FEATURES[row.type].destructive
    answer = ask(session, "look_at_group", {"task": row.id, "fresh": fresh})
    settings = session.configuration().engine
    guard = Guard(settings.confirm_empty_group, settings.confirm_group_below_percent)
    last = last_accepted(row.id)
    if guard.doubts(len(answer["included"]), None if last is None else last.mailboxes):
        reason = Reason.GROUP_SHRUNK if answer["included"] else Reason.GROUP_EMPTY
        mailboxes = count(len(answer["included"]), "mailbox", "mailboxes")
        raise Problem(reason, f"The group of {row.description!r} has {mailboxes}: an execution would end at that.")
    return answer


def _member(row: dict[str, str]) -> Member:
    return Member(row["address"], row["name"], row["kind"], row["entry"])


@contextmanager
def _equipment(session: Session, row: TaskRow) -> Iterator[tuple[Foreseeing, Feature]]:
    """The organisation and the directory for this command; Ctrl+C ends it at the next item."""
    configuration, halts, clock = session.configuration(), DatabaseHalts(), SystemClock()
    exchange = connect(configuration.exchange, halts)
    directory = build_directory(configuration, exchange, halts)
    feature = build_permissions_sync(directory) if row.type is TaskType.PERMISSIONS_SYNC else FEATURES[row.type]
    cancel = Event()
    try:
        yield (
            Foreseeing(
                exchange, Standing(directory, clock), packs_of(session.home, configuration), clock, cancel,
                configuration.web.public_url,
            ),
            feature,
        )  # fmt: skip
    finally:
        cancel.set()
        directory.close()
        exchange.close()


def _tell(row: TaskRow, found: Sequence[Foreseen], verdict: Light) -> None:
    counters: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for each in found:
        counters.update(each.counters)
        skipped.update(each.skipped)
    named = FEATURES[row.type].counters
    fields(
        [
            ("Task", f"{row.description} ({row.type})"),
            ("What if", "nothing was started, nothing was changed"),
            ("Result", light(verdict)),
            ("Mailboxes", number(len(found))),
            *((named.get(name, name.replace("_", " ")), number(value)) for name, value in counters.items()),
            *((f"skipped: {reason}", number(value)) for reason, value in skipped.items()),
        ]
    )
    click.echo()
    table(
        ("mailbox", "mode", "result", "message"),
        [(each.address, each.mode, _result(each), _message(each)) for each in found],
        [each.light for each in found],
    )


def _result(each: Foreseen) -> str:
    """Its light; one that would be skipped for an expected reason has none."""
    return "- skipped" if each.light is Light.NONE else light(each.light)


def _message(each: Foreseen) -> str:
    return f"{each.message} [{each.reason}]" if each.reason else each.message
