"""mse-tui access: who may open which archive, by hand and from Exchange, and why."""

from functools import partial

import click

from mse_tui.access import grants as given
from mse_tui.access.grants import Change, Grant
from mse_tui.access.rights import Right
from mse_tui.actions import archive_access
from mse_tui.actions.archive_access import Asked
from mse_tui.actions.archive_reading import mailboxes
from mse_tui.actions.contents import shown_grants
from mse_tui.cli.changing import YES, changes, changing, sure_about
from mse_tui.cli.naming import archived_mailbox, mailbox_address
from mse_tui.cli.output import emit_json, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.text import printable
from mse_tui.widgets.wording import absolute

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_FOLDER = click.option("--folder", default="", metavar="PATH", help="One folder (path or number); else the archive.")
_DENY = click.option("--deny", is_flag=True, help="A denial, which beats every grant.")
_RIGHTS = click.Choice([right.value for right in Right])


@click.group()
def access() -> None:
    """Who may open which archive. The owner always may; others by grants, and private items stay hidden from them.

    PERSON and MAILBOX are named by address, user principal name or distinguished name.
    """


@access.command("list")
@click.argument("mailbox", required=False)
@click.option("--person", metavar="PERSON", help="Only what this person has.")
@_JSON
@pass_session
def list_grants(session: Session, mailbox: str | None, person: str | None, as_json: bool) -> None:
    """Grants of MAILBOX, or of all, with where each comes from."""
    session.site()
    rows = shown_grants(
        given.grants(
            mailbox_id=archived_mailbox(session, mailbox).id if mailbox else None,
            person=mailbox_address(session, person) if person else None,
        )
    )
    if as_json:
        emit_json(rows)
    elif not rows:
        click.echo("Nobody but the owners may open an archive.")
    else:
        _show_grants(rows)


@access.command("grant")
@click.argument("person")
@click.argument("mailbox")
@_FOLDER
@click.option("--below", is_flag=True, help="With --folder: its subfolders too, also those that come later.")
@click.option("--right", type=_RIGHTS, default="read", show_default=True, help="How much may be seen.")
@_DENY
@YES
@changing
@pass_session
def grant(
    session: Session, person: str, mailbox: str, folder: str, below: bool, right: str, deny: bool, yes: bool,
    what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Let PERSON see the archive of MAILBOX; no task takes it back. With --deny keep the person out."""
    who, archive = mailbox_address(session, person), archived_mailbox(session, mailbox)
    give = partial(archive_access.grant_access, Asked(who, archive, folder, below, Right(right), denies=deny))
    sure_about(
        give,
        lambda made: f"{_doubt(made)}Let {made.person} see ({made.right}) {made.scope} of {made.mailbox}?",
        yes=yes or what_if or deny,
    )
    with changes(what_if=what_if, as_json=as_json) as telling:
        made = give()
        verb = "is denied" if deny else f"may see ({made.right})"
        telling.say(f"{made.person} {verb}: {made.scope} of {made.mailbox} (no. {made.id})", grant=made)
    if (yes or what_if) and (doubt := _doubt(made)):
        click.echo(f"mse-tui: warning: {doubt}", err=True)


def _doubt(made: Grant) -> str:
    """A misspelt address waits for whoever gets it one day; '' where the person's own archive shows it right."""
    known = made.person in {row.address for row in mailboxes()}
    return "" if known else f"Nothing of {made.person} is archived here: is the address right? "


@access.command("revoke")
@click.argument("person")
@click.argument("mailbox")
@_FOLDER
@_DENY
@YES
@changing
@pass_session
def revoke(
    session: Session, person: str, mailbox: str, folder: str, deny: bool, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Take back what PERSON was given by hand; with --deny a denial. What comes from Exchange is taken back there."""
    who, archive = mailbox_address(session, person), archived_mailbox(session, mailbox)
    take = partial(archive_access.revoke_from, Asked(who, archive, folder, denies=deny))
    what = "Lift the denial" if deny else "Take back what was given"
    sure_about(take, lambda taken: f"{what}: {taken.person}, {taken.scope} of {taken.mailbox}?", yes=yes or what_if)
    with changes(what_if=what_if, as_json=as_json) as telling:
        taken = take()
        telling.say(f"{taken.person} no longer has by hand: {taken.scope} of {taken.mailbox}", grant=taken)


@access.command("explain")
@click.argument("person")
@click.argument("mailbox")
@_FOLDER
@click.option("--message", type=int, metavar="NUMBER", help="One message, by its number from archive ls.")
@_JSON
@pass_session
def explain(session: Session, person: str, mailbox: str, folder: str, message: int | None, as_json: bool) -> None:
    """What PERSON may see of the archive of MAILBOX, and which grants say so."""
    who, archive = mailbox_address(session, person), archived_mailbox(session, mailbox)
    found = archive_access.explain_access(who, archive, folder, message)
    if as_json:
        emit_json(found)
        return
    click.echo(printable(found.verdict))
    if found.because:
        click.echo()
        _show_grants(list(found.because))


@access.command("changes")
@click.option("--mailbox", metavar="MAILBOX", help="Only of this mailbox's archive.")
@click.option("--person", metavar="PERSON", help="Only of this person.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@_JSON
@pass_session
def list_changes(session: Session, mailbox: str | None, person: str | None, limit: int, as_json: bool) -> None:
    """What came, went and changed, newest first; what dry runs would have changed is among it."""
    session.site()
    rows = shown_grants(
        given.changes(
            mailbox=mailbox_address(session, mailbox) if mailbox else None,
            person=mailbox_address(session, person) if person else None,
            limit=limit,
        )
    )
    if as_json:
        emit_json(rows)
    elif not rows:
        click.echo("No grant has changed yet.")
    else:
        headings = ("when", "what", "person", "mailbox", "scope", "right", "source", "by")
        table(headings, [_change_cells(row) for row in rows])


def _show_grants(rows: list[Grant]) -> None:
    headings = ("no.", "mailbox", "person", "right", "scope", "comes from", "since", "by")
    table(
        headings,
        [
            (
                str(row.id), row.mailbox, row.person, "DENIED" if row.denies else row.right, row.scope, row.reason,
                absolute(row.since), row.granted_by,
            )
            for row in rows
        ],
    )  # fmt: skip


def _change_cells(row: Change) -> tuple[str, ...]:
    what = f"{row.what} (dry run)" if row.dry_run else row.what
    right = "DENIED" if row.denies else f"{row.before} -> {row.right}" if row.before else row.right
    source = row.source or row.origin
    return (
        absolute(row.moment), what, row.person, row.mailbox, row.path or "whole archive", right,
        f"{source} through {row.via}" if row.via else source, row.who,
    )  # fmt: skip
