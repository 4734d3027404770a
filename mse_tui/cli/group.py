"""mse-tui group: look groups up, see who is in one, ask the directory again."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from mse_tui.cli.completion import of_tasks
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.questions import ask
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Reason, explain
from mse_tui.store import queries
from mse_tui.terms import GroupKind
from mse_tui.text import printable
from mse_tui.widgets.wording import absolute, count, number

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_ATTENTION, _NOBODY = 1, 2


@click.group()
def group() -> None:
    """Look groups up, see who is in one, ask the directory again.

    GROUP is a group's address, distinguished name, GUID or name; a mailbox's address, user principal name or
    distinguished name; or mailbox addresses separated by ; or ,
    """


@group.command("find")
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many groups.")
@_JSON
@pass_session
def find_group(session: Session, text: str, limit: int, as_json: bool) -> None:
    """Groups whose name or address begins with TEXT; in Active Directory also those that have it in the name."""
    found = ask(session, "find_group", {"text": text, "limit": limit})["groups"]
    if as_json:
        emit_json(found)
        return
    if not found:
        click.echo("No group is found.")
        return
    table(
        ("group", "kind", "address", "where"),
        [(one["name"], one["kind"], one["address"], one["where"]) for one in found],
    )


@group.command("browse")
@click.argument("where", default="")
@_JSON
@pass_session
def browse(session: Session, where: str, as_json: bool) -> None:
    """What lies directly in a container of the directory (by distinguished name), or at its top."""
    level = ask(session, "browse", {"where": where})
    if as_json:
        emit_json({"branches": level["branches"], "groups": level["groups"]})
        return
    cells = [(one["name"], "container", one["where"]) for one in level["branches"]]
    cells += [(one["name"], one["kind"], one["where"] or one["address"]) for one in level["groups"]]
    if not cells:
        click.echo("Nothing is listed here; mse-tui group find looks for a name.")
        return
    table(("name", "kind", "where"), cells)


@group.command("resolve")
@click.argument("text", metavar="GROUP", required=False)
@click.option(
    "--task", "task_name", metavar="TASK", help="The group of this task, instead of GROUP.", shell_complete=of_tasks
)
@click.option("--fresh", is_flag=True, help="Ask the directory now, whatever the last hour's answer was.")
@_JSON
@pass_session
@click.pass_context
def resolve(
    ctx: click.Context, session: Session, text: str | None, task_name: str | None, fresh: bool, as_json: bool
) -> None:
    """Who is in a group: a line a mailbox, included or skipped and why.

    Exit code: 0 all is well, 1 something was skipped that needs attention, 2 there is no mailbox.
    """
    if (text is None) == (task_name is None):
        raise click.UsageError("Give either GROUP or --task.")
    asked = {"group": text} if task_name is None else {"task": session.task(task_name).id}
    answer = ask(session, "refresh_group" if fresh else "preview", asked)
    if as_json:
        emit_json(answer)
    else:
        _show(answer)
    ctx.exit(_exit_code(answer))


@group.command("refresh")
@click.argument("task_name", metavar="TASK", required=False, shell_complete=of_tasks)
@_JSON
@pass_session
@click.pass_context
def refresh(ctx: click.Context, session: Session, task_name: str | None, as_json: bool) -> None:
    """Ask the directory again for a task's group, or for the groups of all tasks."""
    session.site()
    tasks = [session.task(task_name)] if task_name else queries.tasks_of_type()
    code, answers = 0, []
    for one in tasks:
        answer = ask(session, "refresh_group", {"task": one.id})
        answers.append({"task": one.description, **answer})
        if not as_json:
            click.echo(printable(f"{one.description}: {_counted(answer)}, in {answer['seconds']:.1f} s."))
        code = max(code, _exit_code(answer))
    if as_json:
        emit_json(answers)
    ctx.exit(code)


def _show(answer: Mapping[str, Any]) -> None:
    found = answer["group"] or {}
    asked = datetime.fromisoformat(answer["resolved_at"])
    lines = [
        ("Group", found.get("name", "")),
        ("Known to", GroupKind(answer["kind"]).label),
        ("Where", found.get("where") or found.get("address", "")),
        ("Resolved", answer["resolved_by"]),
        ("Asked", f"{absolute(asked)}, {count(answer['age_seconds'] // 60, 'minute')} ago"),
        ("Took", f"{answer['seconds']:.3f} s"),
        ("Mailboxes", _counted(answer)),
    ]
    fields([(name, value) for name, value in lines if value])
    click.echo()
    cells = [(one["address"], "included", one["kind"], _name_of(one)) for one in answer["included"]]
    cells += [(one["entry"], "skipped", one["reason"], one["message"]) for one in answer["skipped"]]
    table(("mailbox", "", "kind or reason", ""), cells)


def _name_of(member: Mapping[str, str]) -> str:
    return f"{member['name']} (given as {member['entry']})" if member["entry"] else member["name"]


def _counted(answer: Mapping[str, Any]) -> str:
    """Such as '12 mailboxes; skipped: 2 contact, 1 mailbox-disabled'"""
    text = count(len(answer["included"]), "mailbox", "mailboxes")
    reasons = Counter(one["reason"] for one in answer["skipped"])
    if reasons:
        text += "; skipped: " + ", ".join(f"{number(amount)} {reason}" for reason, amount in reasons.items())
    return text


def _exit_code(answer: Mapping[str, Any]) -> int:
    if not answer["included"]:
        return _NOBODY
    unexpected = any(not explain(Reason(one["reason"])).expected for one in answer["skipped"])
    return _ATTENTION if unexpected else 0
