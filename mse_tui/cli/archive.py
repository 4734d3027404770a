"""mse-tui archive: list, read, export, verify and compact what was archived."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TypeVar

import click

from mse_tui.actions import archive_care, archive_reading
from mse_tui.actions.archive_care import Care, Wanted
from mse_tui.actions.archive_reading import Reading
from mse_tui.archive.compaction import CompactionReport
from mse_tui.archive.coverage import CoverageReport, DifferenceKind
from mse_tui.archive.export import ExportReport, target_at
from mse_tui.archive.rendering import Rendered, render
from mse_tui.archive.views import FolderView, MessageView, View, archived
from mse_tui.cli.archive_backup import backup
from mse_tui.cli.archive_restore import restore
from mse_tui.cli.archive_search import index, search
from mse_tui.cli.changing import changing
from mse_tui.cli.completion import of_mailboxes
from mse_tui.cli.exchange import exchange_of
from mse_tui.cli.naming import archived_mailbox, who_looks
from mse_tui.cli.output import emit_json, fields, progress, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.reasons import Reason
from mse_tui.reasons import explain as explain_reason
from mse_tui.text import printable
from mse_tui.wall_clock import moment_of
from mse_tui.widgets.wording import absolute, count, number, size, utc_now

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_SHOWN_DIFFERENCES = 50
_COMPACTED = ("abandoned", "strays", "unlisted", "rewritten", "deleted", "freed")
_Command = TypeVar("_Command", bound=Callable[..., object])


def _view_options(command: _Command) -> _Command:
    command = click.option(
        "--as-of",
        metavar="DATE",
        help="As it was at this date's end, or at this time (ISO 8601, local without a zone).",
    )(command)
    return click.option(
        "--view", type=click.Choice(["live", "full"]), default="live", show_default=True,
        help="live: as last replicated; full: everything ever seen.",
    )(command)  # fmt: skip


_AS = click.option(
    "--as",
    "person",
    metavar="PERSON",
    help="See what this person may see of it: their own archive, and what others have granted.",
    shell_complete=of_mailboxes,
)


@click.group()
def archive() -> None:
    """List, read, search, export, verify and compact what was archived. Looks into mailboxes are audited."""


archive.add_command(search)
archive.add_command(index)
archive.add_command(backup)
archive.add_command(restore)


@archive.command("explain")
@click.argument("message", type=int, metavar="ID")
@_AS
@_JSON
@pass_session
def explain(session: Session, message: int, person: str | None, as_json: bool) -> None:
    """What is to become of a message (its number in ls): policies, stamps, holds; which decides, what happens when."""
    packs = session.packs()
    explained = archive_reading.explain(message, packs, who_looks(session, person))
    lines = explained.lines(utc_now(), UTC if as_json else None)
    if as_json:
        emit_json(lines)
        return
    fields(lines)


@archive.command()
@click.argument("mailbox_name", metavar="[MAILBOX]", required=False, shell_complete=of_mailboxes)
@click.argument("folder", required=False)
@_view_options
@click.option("--offset", type=click.IntRange(0), default=0, help="Messages to leave out from the start.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Messages at most.")
@_AS
@_JSON
@pass_session
def ls(
    session: Session, mailbox_name: str | None, folder: str | None, view: str, as_of: str | None, offset: int,
    limit: int, person: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List mailboxes; with MAILBOX (name or number) its folders; with FOLDER (path or number) its messages."""
    packs, person = session.packs(), who_looks(session, person)
    chosen = _view(view, as_of)
    if mailbox_name is None:
        _list_mailboxes(person, as_json)
        return
    reading = archive_reading.look_into(archived_mailbox(session, mailbox_name, person).id, packs, person)
    if folder is None:
        _list_folders(reading.folders(chosen, sizes=True), chosen, as_json)
        return
    found = reading.folder(folder, chosen)
    rows = reading.messages(found.id, chosen, offset, limit)
    _list_messages(rows, found, offset, as_json)


@archive.command()
@click.argument("message", type=int, required=False)
@click.option("--sha", metavar="SHA256", help="By the content's SHA-256 instead of the message's number.")
@click.option("--text", is_flag=True, help="Headers, text and attachments for reading, escaped; as on a terminal.")
@_AS
@_JSON
@pass_session
def cat(session: Session, message: int | None, sha: str | None, text: bool, person: str | None, as_json: bool) -> None:
    """Write a message (its number from ls) byte for byte as the server gave it; on a terminal, for reading."""
    packs, person = session.packs(), who_looks(session, person)
    if (message is None) == (sha is None):
        raise click.UsageError("Give either a message's number or --sha.")
    wanted = message if message is not None else _digest(sha or "")
    with archive_reading.open_message(wanted, packs, person) as content:
        if as_json:
            emit_json(render(content))
        elif text or sys.stdout.isatty():
            _show(render(content))
        else:
            shutil.copyfileobj(content, sys.stdout.buffer)
            sys.stdout.buffer.flush()


@archive.command()
@click.argument("mailbox_name", metavar="MAILBOX", shell_complete=of_mailboxes)
@click.argument("folder", required=False)
@click.option("--eml", type=click.Path(path_type=Path, file_okay=False), help="Into this directory, a file a message.")
@click.option("--mbox", type=click.Path(path_type=Path, dir_okay=False), help="Into this new file.")
@click.option("--no-subfolders", is_flag=True, help="FOLDER alone, without those below it.")
@_view_options
@_AS
@_JSON
@pass_session
@click.pass_context
def export(
    ctx: click.Context, session: Session, mailbox_name: str, folder: str | None, eml: Path | None, mbox: Path | None,
    no_subfolders: bool, view: str, as_of: str | None, person: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Export a mailbox or one of its folders, byte for byte as .eml files, or as an mbox (with Unix line ends)."""
    packs, person = session.packs(), who_looks(session, person)
    path = eml or mbox
    if path is None or (eml and mbox):
        raise click.UsageError("Give either --eml DIRECTORY or --mbox FILE.")
    chosen = _view(view, as_of)
    reading = archive_reading.look_into(archived_mailbox(session, mailbox_name, person).id, packs, person)
    folders = _chosen_folders(reading, folder, chosen, below=not no_subfolders)
    with target_at(path, one_file=path is mbox) as target:
        report = reading.export_folders(folders, chosen, target, str(path))
    _tell_export(report, as_json)
    ctx.exit(2 if report.problems else 0)


@archive.command()
@click.option("--read-data", is_flag=True, help="Read every stored byte and check every content's SHA-256.")
@click.option("--against-exchange", is_flag=True, help="Compare every folder and item with the server.")
@click.option(
    "--mailbox",
    "mailbox_names",
    metavar="MAILBOX",
    multiple=True,
    help="Only these, with --against-exchange.",
    shell_complete=of_mailboxes,
)
@click.option(
    "--repair", is_flag=True, help="Mend what is bad: from other packs, and with --against-exchange from there."
)
@changing
@pass_session
@click.pass_context
def verify(
    ctx: click.Context, session: Session, read_data: bool, against_exchange: bool, mailbox_names: tuple[str, ...],
    repair: bool, what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Is everything there that should be, and is it what it should be? May run beside the engine.

    With --what-if what --repair would mend is told and left. Exit code: 0 all is well, 1 something was not and is
    repaired, 2 something is not.
    """
    packs = session.packs()
    if mailbox_names and not against_exchange:
        raise click.UsageError("--mailbox goes with --against-exchange.")
    numbers = [str(archived_mailbox(session, each).id) for each in mailbox_names]
    with (
        exchange_of(session) if against_exchange else _nothing() as exchange,
        progress("Verifying", as_json) as advance,
    ):
        wanted = Wanted(read_data, exchange, numbers, repair and not what_if)
        care = archive_care.verify_archive(packs, wanted, advance=advance, told=_comparing)
    if as_json:
        emit_json(_as_json(care))
    else:
        _tell_care(care)
    ctx.exit(0 if care.was_ok else 1 if care.is_ok else 2)


@archive.command()
@click.option("--now", is_flag=True, help="Without the day's grace: only while no engine and no backup runs.")
@changing
@pass_session
@click.pass_context
def compact(ctx: click.Context, session: Session, now: bool, what_if: bool, as_json: bool) -> None:
    """Collect what crashes left over, rewrite packs that are mostly dead. The engine does this by itself."""
    report = archive_care.compact(session.packs(), session.site(), without_grace=now, what_if=what_if)
    if what_if and not as_json:
        click.echo("What if: nothing was changed.")
    if as_json:
        emit_json(
            {"what_if": what_if}
            | {name: getattr(report, name) for name in _COMPACTED}
            | {"problems": [str(problem) for problem in report.problems]}
        )
    else:
        _tell_compaction(report)
    ctx.exit(1 if report.problems else 0)


# --- what was asked for


def _view(view: str, as_of: str | None) -> View:
    if as_of is None:
        return View.live() if view == "live" else View.full()
    return View.as_of(moment_of(as_of))


def _digest(sha: str) -> bytes:
    try:
        digest = bytes.fromhex(sha)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise click.BadParameter("A SHA-256 has 64 hexadecimal digits.")
    return digest


def _chosen_folders(reading: Reading, folder: str | None, view: View, *, below: bool) -> list[FolderView]:
    if folder is None:
        return reading.folders(view, sizes=False)
    top = reading.folder(folder, view)
    return reading.folders_below(top, view) if below else [top]


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


# --- how it is told


def _comparing(address: str) -> None:
    click.echo(f"Comparing {printable(address)}", err=True)


def _list_mailboxes(person: str | None, as_json: bool) -> None:
    rows = archived(archive_reading.mailboxes(person))
    if as_json:
        emit_json(rows)
    elif not rows:
        click.echo("Nothing is archived yet." if person is None else f"{printable(person)} may open no archive.")
    else:
        table(
            ("no.", "address", "name", "folders", "last replicated"),
            [
                (str(row.id), row.address, row.display_name, number(row.folders), absolute(row.last_replicated))
                for row in rows
            ],
        )


def _list_folders(rows: list[FolderView], view: View, as_json: bool) -> None:
    if as_json:
        emit_json(rows)
        return
    table(
        ("no.", "messages", "size", "gone since", "folder"),
        [(str(row.id), number(row.messages), size(row.bytes), absolute(row.closed), _path(row)) for row in rows],
    )
    click.echo(f"{number(sum(row.messages for row in rows))} messages, {view}")


def _path(row: FolderView) -> str:
    path = row.path or row.name
    return path if row.area == "primary" else f"{path} (online archive)"


def _list_messages(rows: list[MessageView], folder: FolderView, offset: int, as_json: bool) -> None:
    if as_json:
        emit_json(rows)
        return
    table(
        ("no.", "received", "size", "from", "state", "gone since", "subject"),
        [
            (
                str(row.placement_id), absolute(row.received), size(row.size), row.sender, _state(row),
                absolute(row.closed), row.subject,
            )
            for row in rows
        ],
    )  # fmt: skip
    first = offset + 1 if rows else 0
    click.echo(f"{first}-{offset + len(rows)} of {number(folder.messages)} messages")


def _state(row: MessageView) -> str:
    words = ["read" if row.is_read else "unread"]
    if row.flag != "NotFlagged":
        words.append(row.flag.lower())
    words += json.loads(row.categories)
    if not row.sha256:
        words.append("metadata only")
    return ", ".join(words)


def _show(message: Rendered) -> None:
    fields(message.headers)
    click.echo()
    click.echo(printable(message.text, keep_newlines=True))
    if message.attachments:
        click.echo()
        table(
            ("attachment", "type", "size"),
            [(each.name, each.content_type, size(each.size)) for each in message.attachments],
        )
    if message.truncated:
        click.echo("(more than is shown here)")


def _tell_export(report: ExportReport, as_json: bool) -> None:
    problems = [
        {"message": row.placement_id, "subject": row.subject, "problem": str(problem)}
        for row, problem in report.problems
    ]
    if as_json:
        emit_json({"messages": report.messages, "bytes": report.bytes, "without_content": report.without_content,
                   "problems": problems})  # fmt: skip
        return
    click.echo(f"{number(report.messages)} messages written, {size(report.bytes)}")
    if report.without_content:
        click.echo(f"{number(report.without_content)} left out: only their metadata were archived")
    for each in problems:
        click.echo(printable(f"not written: {each['message']} {each['subject']}: {each['problem']}"), err=True)


def _tell_care(care: Care) -> None:
    report = care.archive
    checked = f"every byte read: {size(report.read)}" if report.read_data else "content not read (--read-data reads it)"
    click.echo(f"{number(report.packs)} packs, {number(report.contents)} contents; {checked}")
    if report.unlisted:
        click.echo(
            f"{number(len(report.unlisted))} packs that the database does not list (such as {report.unlisted[0]}):"
            " is it older than the archive? They are left; what left mailboxes since may lie in them alone."
            " --against-exchange --repair takes from them what unknown stubs stand for."
        )
    for finding in report.findings:
        click.echo(printable(f"{finding.reason}: {finding.happened}"))
        for name in finding.messages:
            click.echo(f"    {printable(name)}")
    for coverage in care.mailboxes:
        _tell_coverage(coverage)
    if any(each.counts[DifferenceKind.UNKNOWN_STUB] for each in care.mailboxes):
        explanation = explain_reason(Reason.STUB_UNKNOWN)
        click.echo(f"{Reason.STUB_UNKNOWN}: {explanation.happened} {explanation.remedy}")
    for address, problem in care.unreached.items():
        click.echo(printable(f"{address}: not compared: {problem}"))
    if care.repair is not None:
        click.echo(
            f"Repaired {number(care.repair.repaired)} contents,"
            f" {number(care.repair.rendered_anew)} of them as the server renders them now"
        )
        if care.repair.adopted:
            originals = count(care.repair.adopted, "original")
            click.echo(f"{originals} of unknown stubs found in packs that the database does not list")
        for path in care.repair.folders:
            click.echo(printable(f"read again by the next execution: {path}"))
        for failure in care.repair.failed:
            click.echo(printable(f"not repaired: {failure}"))
    click.echo("All is well." if care.was_ok else "All is repaired." if care.is_ok else "Not all is well.")


def _tell_coverage(report: CoverageReport) -> None:
    click.echo(
        printable(
            f"{report.address}: {number(report.archived)} of {number(report.items)} items in {number(report.folders)}"
            f" folders are archived as they are; {number(report.pending)} wait for the next execution,"
            f" {number(report.skipped.total())} left out on purpose,"
            f" {number(report.failed.total())} could not be fetched"
        )
    )
    if report.not_covered:
        click.echo(printable(f"    not replicated by any task: {', '.join(report.not_covered)}"))
    faults = [each for each in report.differences if not each.pending]
    for each in faults[:_SHOWN_DIFFERENCES]:
        click.echo(printable(f"    {each.kind}: {each.path}: {each.subject}"))
    if report.counts.total() > _SHOWN_DIFFERENCES:
        click.echo(f"    and {number(report.counts.total() - _SHOWN_DIFFERENCES)} more (all with --json)")


def _tell_compaction(report: CompactionReport) -> None:
    fields(
        [
            ("Given up unfinished", number(report.abandoned)),
            ("Stray files deleted", number(report.strays)),
            *([("Unlisted packs left", number(report.unlisted))] if report.unlisted else []),
            ("Packs rewritten", number(report.rewritten)),
            ("Packs deleted", number(report.deleted)),
            ("Freed", size(report.freed)),
        ]
    )
    for problem in report.problems:
        click.echo(printable(f"left as it is: {problem}"))


def _as_json(care: Care) -> dict[str, object]:
    return {
        "ok": care.is_ok,
        "was_ok": care.was_ok,
        "archive": care.archive,
        "mailboxes": care.mailboxes,
        "unreached": {address: str(problem) for address, problem in care.unreached.items()},
        "repair": care.repair,
        "after": care.after,
    }
