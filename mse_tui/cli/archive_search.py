"""mse-tui archive search and index: find what was archived by what it says, and keep the index that finds it."""

from datetime import datetime

import click

from mse_tui.actions import archive_search
from mse_tui.actions.archive_search import Asked, Found
from mse_tui.archive.indexing import Freshness
from mse_tui.archive.search import PAGE, Hit, Place
from mse_tui.archive.search_index import size_of
from mse_tui.archive.search_query import day, parse, unknown_field
from mse_tui.archive.views import View
from mse_tui.cli.completion import of_mailboxes
from mse_tui.cli.naming import archived_mailbox, who_looks
from mse_tui.cli.output import emit_json, fields, progress
from mse_tui.cli.session import Session, pass_session
from mse_tui.text import printable
from mse_tui.widgets.wording import absolute, index_is_fresh, number, size


def _date(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = day(text)
    if moment is None:
        raise click.BadParameter(f"{text!r} is no date such as 2026-03-01, 2026-03 or 2026.")
    return moment


def _place(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Place | None:
    if text is None:
        return None
    try:
        id, mailbox_id = (int(part) for part in text.split("."))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not what a search has ended with.") from error
    return Place(id, mailbox_id)


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--mailbox", default="", metavar="MAILBOX", help="Only in this one.", shell_complete=of_mailboxes)
@click.option("--folder", default="", help="Only in folders of this path or name, and below, or in this calendar.")
@click.option("--since", callback=_date, metavar="DATE", help="Received on this day or later.")
@click.option("--until", callback=_date, metavar="DATE", help="Received before this day.")
@click.option(
    "--view", type=click.Choice(["live", "full"]), default="full", show_default=True,
    help="live: as last replicated; full: everything ever seen.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 10_000), default=PAGE, show_default=True, help="Hits at most.")
@click.option("--more", "place", callback=_place, metavar="PLACE", help="Go on where a search has ended, as it says.")
@click.option(
    "--as",
    "person",
    metavar="PERSON",
    help="Find what this person may see: in their own archive, and what others have granted.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def search(
    session: Session, words: tuple[str, ...], mailbox: str, folder: str, since: datetime | None,
    until: datetime | None, view: str, limit: int, place: Place | None, person: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Find messages and appointments by what they say, newest first. Each search is audited.

    All WORDS must be there: in the subject, among senders and recipients, in the text or the names of attachments.
    "a phrase" finds words side by side (the shell wants quotes around it), invoi* what begins so. Fields: subject:
    from: to: body: attachment: mailbox: in: after: before:. What is found has its number for archive cat, an
    appointment after 'cal' for calendar show.
    """
    chosen = View.live() if view == "live" else View.full()
    person = who_looks(session, person)
    text = " ".join(words)
    mailbox = parse(text).mailbox or mailbox
    mailbox = str(archived_mailbox(session, mailbox, person).id) if mailbox else ""
    asked = Asked(text, person, mailbox, folder, since, until, chosen, place, limit)
    found = archive_search.search_archive(asked, session.home, session.packs())
    fresh = archive_search.freshness(session.home)
    if as_json:
        emit_json({"hits": found.hits, "more": found.more and str(found.more), "index": fresh})
    else:
        _tell(found, fresh)


@click.command()
@click.option("--rebuild", is_flag=True, help="Throw the index away and make it anew from the archive.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_session
def index(session: Session, rebuild: bool, as_json: bool) -> None:
    """Bring the search index up to date with the archive. The engine does this by itself."""
    packs = session.packs()
    with progress("Indexing", as_json) as advance:
        report, expunged = archive_search.index_archive(session.home, packs, rebuild=rebuild, advance=advance)
    fresh = archive_search.freshness(session.home)
    if as_json:
        emit_json({"report": report, "expunged": expunged, "index": fresh, "bytes": size_of(session.home.search_index)})
        return
    fields(
        [
            ("Indexed", number(report.indexed)),
            ("Without their content", f"{number(report.unreadable)}, which could not be read"),
            ("Forgotten", number(report.forgotten)),
            ("Words overwritten", f"of {number(expunged)} purged messages"),
            (
                "In the index",
                f"{number(fresh.messages)} messages and appointments, {size(size_of(session.home.search_index))}",
            ),
        ]
    )
    click.echo(index_is_fresh(fresh.up_to, fresh.waiting))


def _tell(found: Found, fresh: Freshness) -> None:
    for hit in found.hits:
        number_of = f"cal {hit.version_id}" if hit.is_appointment else str(hit.placement_id)
        click.echo(printable(f"{number_of:>8}  {absolute(hit.received)}  {hit.sender}"))
        click.echo(click.style(printable(f"{'':10}{hit.subject or '(no subject)'}"), bold=True))
        click.echo(printable(f"{'':10}{hit.address}  {_place_of(hit)}"))
        if hit.snippet:
            click.echo(printable(f"{'':10}{hit.snippet}"))
    if not found.hits:
        click.echo("Nothing is found.")
        if hint := unknown_field(found.asked.text):
            click.echo(printable(hint))
    if found.more is not None:
        click.echo(f"There is more: the same with --more {found.more}")
    click.echo(index_is_fresh(fresh.up_to, fresh.waiting))
    if fresh.waiting:
        click.echo("An engine indexes them while it runs; at once: mse-tui archive index")


def _place_of(hit: Hit) -> str:
    state = "live" if hit.closed is None else f"gone since {absolute(hit.closed)}"
    return f"{hit.folder or 'top of the mailbox'}, {state}"
