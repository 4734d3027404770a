"""mse-tui retention, hold and purge: how long the archive keeps, what it must keep, and what it lets go."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import click
from pydantic import BaseModel

from mse_tui.actions import approvals, archive_reading, holds, purging, retention
from mse_tui.actions.approvals import DIGEST_SHOWN
from mse_tui.actions.holds import NewHold
from mse_tui.actions.retention import RetentionSettings
from mse_tui.archive.holds import HoldRow
from mse_tui.archive.retention import Limits
from mse_tui.cli.changing import YES, changes, changing, sure, sure_about
from mse_tui.cli.completion import of_definitions, of_mailboxes
from mse_tui.cli.naming import archived_mailbox
from mse_tui.cli.options import given, options_of
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.widgets.wording import absolute, count, number, size

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


def _with_options(model: type[BaseModel]) -> Callable[[click.Command], click.Command]:
    """Give a command the options of a model's fields."""

    def decorate(command: click.Command) -> click.Command:
        command.params += options_of(model)
        return command

    return decorate


# --- retention


@click.group("retention")
def retention_group() -> None:
    """How long the archive keeps: minimum, maximum and default; of the archive, or of one mailbox."""


@retention_group.command("show")
@click.argument("mailbox", required=False, shell_complete=of_mailboxes)
@_JSON
@pass_session
def show(session: Session, mailbox: str | None, as_json: bool) -> None:
    """The archive's settings and those of mailboxes; with MAILBOX, what holds for it."""
    session.site()
    rows = retention.all_settings()
    found = archived_mailbox(session, mailbox) if mailbox else None
    limits = retention.effective_limits(found.id if found else None)
    if as_json:
        emit_json({"in_force": limits, "settings": [{**asdict(row), "settings": row.settings.model_dump()}
                                                    for row in rows]})  # fmt: skip
        return
    fields([(f"In force for {found.address}" if found else "In force", ""), *_in_force(limits)])
    if rows and found is None:
        click.echo()
        table(
            ("for", "minimum", "maximum", "default", "quarantine", "purges", "modified", "by"),
            [
                (row.address or "the archive", *_days(row.settings), _approval(row.settings, row.approved),
                 absolute(row.modified), row.modified_by)
                for row in rows
            ],
        )  # fmt: skip


@_with_options(RetentionSettings)
@retention_group.command("set")
@click.option("--mailbox", help="Only for this mailbox.", shell_complete=of_mailboxes)
@click.option("--clear", multiple=True, type=click.Choice(list(RetentionSettings.model_fields)), help="Make it empty.")
@YES
@changing
@pass_session
def set_(
    session: Session, /, mailbox: str | None, clear: tuple[str, ...], yes: bool, what_if: bool, as_json: bool,
    **values: Any,
) -> None:  # fmt: skip
    """Change settings; what is not given stays. A changed default has to be approved again."""
    session.site()
    found = archived_mailbox(session, mailbox) if mailbox else None
    old = retention.settings_of(found.id if found else None).model_dump()
    wanted = {**old, **given(RetentionSettings, values), **dict.fromkeys(clear)}
    whose = found.address if found else "the archive"
    before = retention.effective_limits(found.id if found else None)

    def change() -> Limits:
        retention.set_retention(wanted, str(found.id) if found else None)
        return retention.effective_limits(found.id if found else None)

    sure_about(
        change,
        lambda then: f"Let {whose} keep for a shorter time than now?" if then.is_shorter_than(before) else "",
        yes=yes or what_if,
    )
    with changes(what_if=what_if, as_json=as_json) as telling:
        change()
        telling.say_if_changed(f"Changed the retention of {whose}.")


@retention_group.command("approve")
@click.option("--mailbox", help="The default of this mailbox, not the archive's.", shell_complete=of_mailboxes)
@click.option("--digest", help="Only if it is still this content, as purge list shows it.")
@YES
@changing
@pass_session
def approve_default(
    session: Session, mailbox: str | None, digest: str | None, yes: bool, what_if: bool, as_json: bool
) -> None:
    """Approve a default retention, as it is now; not by who wrote or last changed it."""
    session.site()
    subject = f"mailbox {archived_mailbox(session, mailbox).id}" if mailbox else "archive"
    question = f"Let the archive purge by the default retention of {mailbox or 'the archive'}, as it is now?"
    sure_about(partial(approvals.approve, subject, digest), lambda _: question, yes=yes or what_if)
    with changes(what_if=what_if, as_json=as_json) as telling:
        approvals.approve(subject, digest)
        telling.say("Approved, as it is now. Any change voids it.")


# --- holds


@click.group("hold")
def hold_group() -> None:
    """Litigation holds: what is never deleted, purged or hidden while they are in force."""


@hold_group.command("list")
@click.option("--all", "lifted", is_flag=True, help="Those that were lifted too.")
@_JSON
@pass_session
def list_holds(session: Session, lifted: bool, as_json: bool) -> None:
    """The holds in force."""
    session.site()
    rows = holds.all_holds(lifted=lifted)
    if as_json:
        emit_json([{**_plain(row), "covers": holds.what_it_covers(row)} for row in rows])
        return
    if not rows:
        click.echo("No holds. Place one with: mse-tui hold place MATTER [options]")
        return
    table(
        ("id", "matter", "covers", "placed", "by", "lifted"),
        [
            (str(row.id), row.name, holds.what_it_covers(row), absolute(row.placed), row.placed_by,
             f"{absolute(row.lifted)} by {row.lifted_by}" if row.lifted else "-")
            for row in rows
        ],
    )  # fmt: skip


@_with_options(NewHold)
@hold_group.command("place")
@click.argument("matter")
@changing
@pass_session
def place(session: Session, /, matter: str, what_if: bool, as_json: bool, **values: Any) -> None:
    """Hold what a mailbox has, one message, or, without options, everything; now and later.

    With --sender, --recipients, --subject or dates only what fits all of them: they look at these four alone, not at
    what messages say.
    """
    session.site()
    wanted = given(NewHold, values)
    if wanted.get("mailbox"):
        wanted["mailbox"] = str(archived_mailbox(session, wanted["mailbox"]).id)
    with changes(what_if=what_if, as_json=as_json) as telling:
        hold_id = holds.place_hold(matter, wanted)
        (row,) = [each for each in holds.all_holds() if each.id == hold_id]
        covers = holds.what_it_covers(row)
        telling.say(f"Placed hold {hold_id} on {covers}.", id=hold_id, covers=covers)


@hold_group.command("lift")
@click.argument("hold_id", type=int, metavar="ID")
@YES
@changing
@pass_session
def lift(session: Session, hold_id: int, yes: bool, what_if: bool, as_json: bool) -> None:
    """End a hold: what it covered may be deleted and purged again."""
    session.site()
    sure_about(partial(holds.lift_hold, hold_id), lambda _: _lifting(hold_id), yes=yes or what_if)
    with changes(what_if=what_if, as_json=as_json) as telling:
        holds.lift_hold(hold_id)
        telling.say(f"Lifted hold {hold_id}.")


# --- purges


@click.group("purge")
def purge_group() -> None:
    """What the archive lets go: what waits for approval, what is set aside, what is gone."""


@purge_group.command("list")
@click.option("--done", is_flag=True, help="The records of what was purged.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Lines at most.")
@_JSON
@pass_session
def list_purges(session: Session, done: bool, limit: int, as_json: bool) -> None:
    """What purges and whether it is approved, and the messages that are set aside; nothing of what they say."""
    session.site()
    if done:
        _list_done(limit, as_json)
        return
    sources, set_aside = approvals.awaiting(), purging.quarantined(limit)
    if as_json:
        emit_json(
            {
                "sources": [{**_plain(row), "digest": row.content.digest, "content": row.content.shown}
                            for row in sources],
                "set_aside": set_aside,
            }
        )  # fmt: skip
        return
    if sources:
        table(
            ("what lets the archive purge", "approved", "author", "last editor", "digest"),
            [
                (row.label, "yes" if row.approved else "NO", row.author, row.editor, row.content.digest[:DIGEST_SHOWN])
                for row in sources
            ],
        )  # fmt: skip
        click.echo()
    if not set_aside:
        click.echo("No message is set aside for its purge.")
        return
    table(
        ("message", "mailboxes", "set aside", "gone on", "because"),
        [(str(row.placement_id), row.mailboxes, absolute(row.since), absolute(row.until), row.because)
         for row in set_aside],
    )  # fmt: skip
    _say_rest(len(set_aside), purging.purge_totals().quarantined)


@purge_group.command("approve")
@click.argument("definition", shell_complete=of_definitions)
@click.option("--digest", help="Only if it is still this content, as purge list shows it.")
@YES
@changing
@pass_session
def approve(session: Session, definition: str, digest: str | None, yes: bool, what_if: bool, as_json: bool) -> None:
    """Approve the archive purges of a definition, as it is now; not by who wrote or last changed it.

    The same as `mse-tui definition approve`.
    """
    approve_definition(session, definition, digest, yes=yes, what_if=what_if, as_json=as_json)


@purge_group.command("withdraw")
@click.argument("definition", shell_complete=of_definitions)
@changing
@pass_session
def withdraw(session: Session, definition: str, what_if: bool, as_json: bool) -> None:
    """Take the approval of a definition's purges back."""
    row = session.definition(definition)
    with changes(what_if=what_if, as_json=as_json) as telling:
        approvals.withdraw_approval(f"definition {row.id}")
        telling.say(f"The approval of {row.name!r} is withdrawn; nothing of it is purged any more.")


@purge_group.command("run")
@YES
@changing
@pass_session
def run(session: Session, yes: bool, what_if: bool, as_json: bool) -> None:
    """Do now what the engine does by itself every hour; quarantine is never cut short."""
    site = session.site()
    packs = archive_reading.packs_of(session.home, session.configuration())
    if not (yes or what_if):
        coming = purging.purge_now(packs, site, session.home.search_index, what_if=True)
        purged, set_aside = count(coming.purged, "message"), count(coming.set_aside, "message")
        sure(f"Purge {purged} for good and set {set_aside} aside?", yes=not (coming.purged or coming.set_aside))
    report = purging.purge_now(packs, site, session.home.search_index, what_if=what_if)
    if as_json:
        emit_json({"what_if": what_if, **asdict(report)})
        return
    if what_if:
        click.echo("What if: nothing was changed.")
    fields(
        [
            ("Set aside", number(report.set_aside)),
            ("Released", number(report.released)),
            ("Purged", f"{number(report.purged)} messages, {size(report.bytes)}"),
            ("Approvals voided", number(report.voided)),
        ]
    )
    for problem in report.problems:
        click.echo(f"left: {problem}")


def approve_definition(
    session: Session, text: str, digest: str | None, *, yes: bool, what_if: bool, as_json: bool
) -> None:
    """What `purge approve` and `definition approve` do."""
    row = session.definition(text)
    question = f"Let the archive purge by the definition {row.name!r}, as it is now?"
    sure_about(partial(approvals.approve, f"definition {row.id}", digest), lambda _: question, yes=yes or what_if)
    with changes(what_if=what_if, as_json=as_json) as telling:
        approvals.approve(f"definition {row.id}", digest)
        telling.say(f"Approved {row.name!r}, as it is now. Any change voids the approval.")


def _list_done(limit: int, as_json: bool) -> None:
    rows = purging.purged(limit)
    if as_json:
        emit_json(rows)
        return
    if not rows:
        click.echo("Nothing was ever purged.")
        return
    table(
        ("record", "purged", "set aside", "received", "size", "mailboxes", "because"),
        [(str(row.id), absolute(row.purged), absolute(row.quarantined), absolute(row.received), size(row.size),
          row.mailboxes, row.because) for row in rows],
    )  # fmt: skip
    _say_rest(len(rows), purging.purge_totals().purged)


def _say_rest(listed: int, total: int) -> None:
    if listed < total:
        click.echo(f"The first {number(listed)} of {number(total)}; --limit says how many are listed.")


def _lifting(hold_id: int) -> str:
    (row,) = [each for each in holds.all_holds() if each.id == hold_id]
    return f"Lift the hold {row.name!r} on {holds.what_it_covers(row)}?"


def _in_force(limits: Limits) -> list[tuple[str, object]]:
    return [
        ("Minimum", f"{limits.minimum_days} days"),
        ("Maximum", "none" if limits.maximum_days is None else f"{limits.maximum_days} days"),
        ("Default", "never purged" if limits.default_days is None else f"{limits.default_days} days"),
        ("Quarantine", f"{limits.quarantine_days} days"),
    ]


def _days(settings: RetentionSettings) -> list[str]:
    return ["-" if value is None else f"{value} days" for value in settings.model_dump().values()]


def _approval(settings: RetentionSettings, approved: bool) -> str:
    return "no default" if settings.default_days is None else "approved" if approved else "NOT APPROVED"


def _plain(row: Any) -> Mapping[str, Any]:
    values: dict[str, Any] = {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "content"}
    if isinstance(row, HoldRow) and row.search is not None:
        values["search"] = row.search.model_dump(mode="json", exclude_defaults=True)
    return values
