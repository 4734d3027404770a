"""mse-tui log and audit: what executions did, and what people did."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click

from mse_tui.actions import contents
from mse_tui.cli.completion import of_tasks
from mse_tui.cli.engine_log import LEVELS, show_engine_log, wanted_lines
from mse_tui.cli.group_fields import group_fields
from mse_tui.cli.output import emit_json, fields, light, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.engine.journal import LISTED
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store import queries
from mse_tui.store.queries import AuditWanted, ExecutionRow, MailboxResultRow
from mse_tui.terms import Light
from mse_tui.text import printable
from mse_tui.widgets.counters import counters_said
from mse_tui.widgets.wording import absolute, item_said, lasted, number

_LIMIT = click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True, help="How many entries.")


@click.command()
@click.argument("task", required=False, shell_complete=of_tasks)
@click.option("--execution", type=int, help="One execution's detail, by its number; with --engine, what it logged.")
@click.option("--engine", "of_engine", is_flag=True, help="The engine's own log, newest last.")
@click.option("--follow", is_flag=True, help="With --engine: go on with what the engine logs, until Ctrl+C.")
@click.option("--level", type=click.Choice(LEVELS), help="With --engine: lines at least as bad.")
@click.option("--task", "task_option", metavar="TASK", shell_complete=of_tasks, help="The same as TASK.")
@click.option("--mailbox", help="With --engine: lines about a mailbox whose address has this part.")
@click.option("--text", help="With --engine: lines with this text.")
@_LIMIT
@click.option("--json", "as_json", is_flag=True, help="As JSON; with --engine an object a line.")
@pass_session
@click.pass_context
def log(
    ctx: click.Context,
    session: Session,
    task: str | None,
    execution: int | None,
    of_engine: bool,
    follow: bool,
    level: str | None,
    task_option: str | None,
    mailbox: str | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Task summary logs, newest first: of all tasks or of one; with --execution one entry's detail.

    The detail's exit code is the execution's light: 0 green, 1 orange, 2 red, 3 not finished.

    With --engine what the site's engine logs, wherever it runs on this machine: in the screens, as a service, alone.
    """
    task = task or task_option
    session.site()
    if of_engine:
        wanted = wanted_lines(session, level, task, execution, mailbox, text)
        ctx.exit(show_engine_log(session.home.logs, wanted, limit, follow, as_json))
    if follow or level or mailbox or text:
        raise click.UsageError("--follow, --level, --mailbox and --text are about the engine's log: add --engine.")
    if execution is not None:
        ctx.exit(_detail(execution, as_json))
    rows = _executions(session, task, limit)
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo("No executions yet.")
        return
    cells = [(str(row.id), absolute(row.started), row.shown_task, _light(row), _lasted(row), row.message)
             for row in rows]  # fmt: skip
    table(("no.", "started", "task", "result", "took", "message"), cells, [row.light for row in rows])


def _executions(session: Session, task: str | None, limit: int) -> list[ExecutionRow]:
    """Of all tasks or of one; a removed one is known by its name as long as its executions are."""
    if task and queries.task_named(task) is None and (kept := queries.executions_of_removed(task, limit)):
        return kept
    return queries.executions_of(session.task(task).id if task else None, 0, limit)


def _moment(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is no time such as 2026-03-01 or 2026-03-01T14:00.") from None


@click.group(invoke_without_command=True)
@click.option("--who", default="", metavar="TEXT", help="Entries of whose name has this part.")
@click.option("--what", default="", metavar="TEXT", help="Entries whose action or subject has this part.")
@click.option("--since", callback=_moment, metavar="TIME", help="From this day or time on, of this machine's zone.")
@click.option("--until", callback=_moment, metavar="TIME", help="Before this day or time.")
@_LIMIT
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
@click.pass_context
def audit(
    ctx: click.Context, session: Session, who: str, what: str, since: datetime | None, until: datetime | None,
    limit: int, as_json: bool,
) -> None:  # fmt: skip
    """Who did what, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    from mse_tui.actions.audit import may_see

    session.site()
    may_see()
    rows = queries.audit(limit, wanted=AuditWanted(who, what, since, until))
    if as_json:
        emit_json(rows)
        return
    table(
        ("when", "who", "action", "subject", "before", "after"),
        [(absolute(row.moment), row.who, row.action, row.subject, row.before, row.after) for row in rows],
    )


@audit.command("verify")
@click.option(
    "--head", default="", metavar="DIGEST", help="A head that was kept elsewhere, as the engine's log has it."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
@click.pass_context
def verify_audit(ctx: click.Context, session: Session, head: str, as_json: bool) -> None:
    """Check that no entry was changed, taken out or put in since it was written.

    Each entry seals those before it. Entries cut off at the end show only against a head from elsewhere: the engine
    tells it to the system's log. Exit code 0: as written; 2: not.
    """
    from mse_tui.actions.audit import verify

    session.site()
    found = verify(head)
    if as_json:
        emit_json(found)
        ctx.exit(0 if found.clean else 2)
    if found.broken_at is not None:
        raise Problem(Reason.AUDIT_BROKEN, f"Entry {found.broken_at} does not follow from those before it.")
    if found.empty:
        raise Problem(Reason.AUDIT_BROKEN, "There is no entry, not even of the site's beginning.")
    if found.foreign_head:
        raise Problem(Reason.AUDIT_BROKEN, f"No entry has the digest {head}: entries at the end are missing.")
    click.echo(
        f"{number(found.checked)} entries, as they were written; {number(found.pruned)} older ones pruned by age."
    )
    click.echo(f"Head: {found.head.digest}")


def _detail(execution_id: int, as_json: bool) -> int:
    detail = queries.execution_detail(execution_id)
    if detail is None:
        raise Problem(Reason.NOT_FOUND, f"There is no execution {execution_id}.", "mse-tui log shows what there is.")
    results = list(contents.all_mailbox_results(execution_id))
    if as_json:
        emit_json({"detail": detail, "mailboxes": results})
        return detail.execution.light.exit_code
    row = detail.execution
    fields(
        [
            ("Task", f"{row.shown_task} ({row.type})"),
            ("Began", f"{absolute(row.started)}, {row.trigger}" + (f" by {row.asked_by}" if row.asked_by else "")),
            ("Ended", absolute(row.finished)),
            ("Took", _lasted(row)),
            ("Result", _light(row)),
            *(group_fields(detail.group) if detail.group is not None else ()),
            ("Mailboxes", f"{number(row.processed)} of {number(row.mailboxes)}"),
            ("Message", row.message),
            *((("Reason", row.reason), ("What to do", _remedy(row.reason))) if row.reason else ()),
        ]
    )
    counters, skipped = queries.totals(execution_id)
    skips = [(f"Skipped: {reason}", number(value)) for reason, value in skipped.items()]
    fields([*counters_said(row.type, counters), *skips])
    if results:
        click.echo()
        _mailboxes(results)
    return row.light.exit_code


def _mailboxes(results: list[MailboxResultRow]) -> None:
    cells = [(str(one.position), one.address, one.mode, _result(one), one.message) for one in results]
    table(("no.", "mailbox", "mode", "result", "message"), cells, [one.light for one in results])
    explained: set[tuple[str, str]] = set()
    for one in results:
        if one.reason and (one.address, one.reason) not in explained:
            explained.add((one.address, one.reason))
            click.echo(f"\n{printable(one.address)}: {_explained(one.reason)}")
        for failure in one.failures:
            click.echo(f"  {printable(item_said(failure.item))}: {printable(failure.message)} [{failure.reason}]")
            click.echo(f"    {_remedy(failure.reason)}")
        tell_would_change(one.address, [{"item": each.item, "message": each.message} for each in one.would_change])


def tell_would_change(address: str, items: Sequence[Mapping[str, str | None]]) -> None:
    """The first items of a mailbox that a dry run would change."""
    if items:
        click.echo(f"\n{printable(address)}, what would be changed (the first {LISTED} at most):")
    for one in items:
        click.echo(f"  {printable(item_said(one['item']))}: {printable(one['message'] or '')}")


def _result(one: MailboxResultRow) -> str:
    if one.runs:
        return one.word
    return f"- {one.word}" if one.light is Light.NONE else light(one.light)


def _explained(reason: str) -> str:
    return f"{explain(Reason(reason)).happened} [{reason}] {_remedy(reason)}" if reason in set(Reason) else reason


def _remedy(reason: str) -> str:
    return explain(Reason(reason)).remedy if reason in set(Reason) else ""


def _light(row: ExecutionRow) -> str:
    return row.word if row.runs else light(row.light)


def _lasted(row: ExecutionRow) -> str:
    return "running" if row.runs else lasted(row.duration) or "-"
