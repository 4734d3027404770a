"""mse-tui archive restore: archived messages back into mailboxes."""

from collections.abc import Sequence
from functools import partial

import click

from mse_tui.actions import restoring, stub_care
from mse_tui.actions.restoring import Foreseen, Target
from mse_tui.cli.changing import YES, changes, changing, sure_about
from mse_tui.cli.completion import of_definitions, of_mailboxes
from mse_tui.cli.exchange import exchange_of
from mse_tui.cli.naming import MAILBOX_NAMED, mailbox_address
from mse_tui.cli.session import Session, pass_session
from mse_tui.cli.stub import stub_filter, tell_putting_back, tell_restored
from mse_tui.features.restoring import Collision
from mse_tui.text import printable
from mse_tui.widgets.wording import count


@click.command("restore")
@click.argument("messages", type=int, nargs=-1)
@click.option("--deleted", is_flag=True, help="Instead of numbers: what tasks have deleted.")
@click.option(
    "--mailbox",
    "mailbox_name",
    metavar="MAILBOX",
    help=f"--deleted from this mailbox ({MAILBOX_NAMED}).",
    shell_complete=of_mailboxes,
)
@click.option("--definition", default="", help="--deleted by this definition.", shell_complete=of_definitions)
@click.option("--from-folder", "lay_in", metavar="FOLDER", help="--deleted from this folder of --mailbox.")
@click.option("--text", default="", help="--deleted, with this in the subject, the sender or the archive id.")
@click.option("--all", "everything", is_flag=True, help="All that was --deleted, from all mailboxes.")
@click.option(
    "--to",
    "address",
    default="",
    metavar="MAILBOX",
    help="Into this mailbox instead of the message's own.",
    shell_complete=of_mailboxes,
)
@click.option("--folder", default="", help="Into this folder (names joined by /), made if need be; else where it lay.")
@click.option(
    "--collision",
    type=click.Choice([str(each) for each in Collision]),
    default="skip",
    show_default=True,
    help="Where the folder has the message already; what is replaced goes to Recoverable Items.",
)
@YES
@changing
@pass_session
@click.pass_context
def restore(
    ctx: click.Context, session: Session, messages: tuple[int, ...], deleted: bool, mailbox_name: str | None,
    definition: str, lay_in: str | None, text: str, everything: bool, address: str, folder: str, collision: str,
    yes: bool, what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Put archived messages back into a mailbox, with received date, flags and categories.

    By their numbers from ls, or with --deleted all that storage management and managed folders have deleted: from a
    mailbox, from a folder, by a definition. May be ended at any time and goes on where it ended.
    """
    packs = session.packs()
    if lay_in is not None and mailbox_name is None:
        raise click.UsageError("--from-folder goes with --mailbox.")
    narrowed = any((mailbox_name, definition, lay_in, text, everything))
    if deleted == bool(messages) or narrowed > deleted:
        raise click.UsageError("Give either numbers of messages, or --deleted with what is meant.")
    if deleted and not narrowed:
        raise click.UsageError("Say which: --mailbox, --definition, --from-folder, --text, or --all.")
    if deleted:
        wanted = stub_filter(session, mailbox_name, definition, lay_in, text, or_deleted=True)
        messages = tuple(stub_care.deleted_originals(wanted))
    target = Target(mailbox_address(session, address) if address else "", folder, Collision(collision))
    if what_if:
        with exchange_of(session) as exchange:
            found = restoring.foresee_restore(exchange, packs, messages, target)
        if as_json:
            with changes(what_if=True, as_json=True) as telling:
                restoring.try_to_restore(messages, target)
                telling.say(messages=found)
        else:
            _tell_foreseen(found, target)
        return
    replacing = ", and replace what is there of them" if target.collision is Collision.REPLACE else ""
    where = target.address or "the mailboxes that they were archived from"
    question = f"Restore {count(len(messages), 'message')} into {where}{replacing}?" if messages else ""
    sure_about(partial(restoring.try_to_restore, messages, target), lambda _: question, yes=yes)
    with exchange_of(session) as exchange:
        told = tell_putting_back(as_json) if deleted else lambda *_: None
        report = restoring.restore(exchange, packs, messages, target, told=told)
    tell_restored(report, as_json)
    if report.deleted_before and not as_json:
        may = "A later run of the task may delete them again, where its definition still means them."
        click.echo(may, err=True)
    ctx.exit(0 if report.ok else 1)


def _tell_foreseen(found: Sequence[Foreseen], target: Target) -> None:
    if not found:
        click.echo("Nothing would be changed.")
    for each in found:
        folder = "the folder where it lay" if each.folder is None else each.folder
        made = ", which would be made" if each.is_made else ""
        where = printable(f"message {each.placement_id} to {each.address}, {folder}{made}")
        if not each.is_there:
            click.echo(f"Would restore {where}")
        elif target.collision is Collision.SKIP:
            click.echo(f"Would leave {where}: it is there already")
        elif target.collision is Collision.COPY:
            click.echo(f"Would restore {where}, beside the one that is there")
        else:
            click.echo(f"Would restore {where}; the one that is there would go to Recoverable Items")
