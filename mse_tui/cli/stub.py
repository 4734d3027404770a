"""mse-tui stub: what was taken out of mailboxes, and putting it back."""

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import click

from mse_tui.actions import restoring, stub_care
from mse_tui.actions.contents import look_at_stubs, name_folders
from mse_tui.actions.restoring import RestoreReport
from mse_tui.actions.stub_care import Meant, StubCheck
from mse_tui.actions.what_if import tried
from mse_tui.archive.expiries import definitions as deleting_definitions
from mse_tui.archive.stub_registry import StubFilter, StubRow, stub_definitions, stub_row
from mse_tui.archive.stubs import RESTORABLE, StubState
from mse_tui.cli.changing import YES, changes, changing, sure_about
from mse_tui.cli.completion import of_definitions, of_mailboxes
from mse_tui.cli.exchange import exchange_of
from mse_tui.cli.naming import MAILBOX_NAMED, archived_mailbox
from mse_tui.cli.output import emit_json, fields, table
from mse_tui.cli.session import Session, pass_session
from mse_tui.features.restoring import PutBack
from mse_tui.reasons import Problem, Reason, explain
from mse_tui.store import queries
from mse_tui.terms import EXIT_INTERRUPTED, WITHHELD, TaskType
from mse_tui.text import printable
from mse_tui.widgets.wording import absolute, count, number, size, subject_said

_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_Command = TypeVar("_Command", bound=Callable[..., object])
_LOST = "no longer there"
_NAMED = 10
"""Messages that are named by number."""


def _which(command: _Command) -> _Command:
    """The options that say which stubs are meant."""
    for option in (
        click.option("--text", default="", help="Part of the subject, the sender or the archive id."),
        click.option("--folder", help="Only from this folder of --mailbox (path or number)."),
        click.option(
            "--definition", default="", help="Only what this definition has stubbed.", shell_complete=of_definitions
        ),
        click.option(
            "--mailbox",
            "mailbox_name",
            metavar="MAILBOX",
            help=f"Only in this mailbox ({MAILBOX_NAMED}).",
            shell_complete=of_mailboxes,
        ),
    ):
        command = option(command)
    return command


@click.group()
def stub() -> None:
    """What storage management took out of mailboxes: list it, check it, put it back."""


@stub.command("list")
@_which
@click.option("--state", type=click.Choice([str(each) for each in StubState]), multiple=True, help="Only these.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Stubs to leave out from the start.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Stubs at most.")
@_JSON
@pass_session
def list_stubs(
    session: Session, mailbox_name: str | None, definition: str, folder: str | None, text: str,
    state: tuple[str, ...], offset: int, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """What was stubbed where, when, by which definition, and what that saves; latest first."""
    session.site()
    wanted = stub_filter(session, mailbox_name, definition, folder, text, state)
    reading = look_at_stubs(wanted)
    rows, totals = reading.rows(offset, limit), reading.totals()
    if as_json:
        emit_json({"stubs": rows, "total": totals.stubs, "saved": totals.saved})
        return
    if not rows:
        click.echo("No stubs. A Mailbox Storage Management task makes them.")
        return
    table(
        ("no.", "mailbox", "stubbed", "state", "before", "now", "definition", "subject"),
        [
            (
                str(row.id), row.address, absolute(row.began), str(row.state), size(row.true_size),
                size(row.stub_size), row.definition, subject_said(row.subject),
            )
            for row in rows
        ],
    )  # fmt: skip
    click.echo(f"{offset + 1}-{offset + len(rows)} of {number(totals.stubs)}; {size(totals.saved)} saved")


@stub.command("show")
@click.argument("name", metavar="STUB")
@_JSON
@pass_session
def show_stub(session: Session, name: str, as_json: bool) -> None:
    """One stub, by its number or the archive id that the stub itself names."""
    session.site()
    row = look_at_stubs(StubFilter()).row(name)
    if as_json:
        emit_json(row)
        return
    fields(_facts(row))


@stub.command("check")
@_which
@_JSON
@pass_session
@click.pass_context
def check_stubs(
    ctx: click.Context, session: Session, mailbox_name: str | None, definition: str, folder: str | None, text: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare the registry with the mailboxes and with the archive: moved, copied, lost, unfinished, dangling stubs.

    Exit code: 0 all is well, 1 some are to be completed by the next execution, or a mailbox could not be looked at,
    2 some originals can't be given, or aren't known to this archive.
    """
    packs = session.packs()
    with exchange_of(session) as exchange:
        wanted = stub_filter(session, mailbox_name, definition, folder, text)
        found = stub_care.check(exchange, packs, wanted, told=_checking)
    if as_json:
        emit_json(found)
    else:
        _tell_check(found)
    dangling = any(each.unreadable or each.unknown for each in found)
    ctx.exit(2 if dangling else 0 if all(each.ok for each in found) else 1)


@stub.command("rehydrate")
@click.argument("name", metavar="[STUB]", required=False)
@_which
@click.option("--all", "everything", is_flag=True, help="All stubs of all mailboxes.")
@YES
@changing
@pass_session
@click.pass_context
def rehydrate_stubs(
    ctx: click.Context, session: Session, name: str | None, mailbox_name: str | None, definition: str,
    folder: str | None, text: str, everything: bool, yes: bool, what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Put originals back in the places of their stubs: one, a folder's, a mailbox's, or all that a definition made.

    May be ended at any time and goes on where it ended.
    """
    packs = session.packs()
    wanted = _chosen(name, everything, stub_filter(session, mailbox_name, definition, folder, text))
    ask = partial(restoring.ask_to_rehydrate, wanted)
    found = stub_care.meant(wanted, RESTORABLE)
    deleted = stub_care.originals(wanted, (StubState.DELETED,))
    way = _way_for_deleted(deleted, name, mailbox_name, definition, folder, text)
    if what_if and as_json:
        with changes(what_if=True, as_json=True) as telling:
            ask()
            telling.say(deleted=len(deleted))
        return
    if what_if:
        tried(ask)
        _tell_meant("put back", found)
        _say_error(way)
        _say_error(_way_for_lost(wanted))
        return
    originals = count(sum(each.stubs for each in found), "original")
    question = f"Put {originals} ({size(sum(each.size for each in found))}) back into {_into(found)}?" if found else ""
    sure_about(ask, lambda _: question, yes=yes)
    tell, back = tell_putting_back(as_json), 0

    def told(address: str, name: str, answer: PutBack) -> None:
        nonlocal back
        back += answer.reason is None
        tell(address, name, answer)

    try:
        with exchange_of(session) as exchange:
            report = restoring.rehydrate(exchange, packs, wanted, told=told)
    except KeyboardInterrupt:
        _say_error(
            f"Ended: {count(back, 'original is', 'originals are')} back. The same command goes on with the rest."
        )
        ctx.exit(EXIT_INTERRUPTED)
    tell_restored(report, as_json, deleted=len(deleted))
    if report.restored and not as_json:
        _say_error("A later run of the task may stub them again, where its definition still means them.")
    _say_error(way)
    _say_error(_way_for_lost(wanted))
    ctx.exit(0 if report.ok and (found or not deleted) else 1)


@stub.command("revoke")
@click.argument("name", metavar="[STUB]", required=False)
@_which
@click.option("--all", "everything", is_flag=True, help="The links of all stubs.")
@YES
@changing
@pass_session
def revoke_links(
    session: Session, name: str | None, mailbox_name: str | None, definition: str, folder: str | None, text: str,
    everything: bool, yes: bool, what_if: bool, as_json: bool,
) -> None:  # fmt: skip
    """Let links in stubs open nothing any more. The stubs stay, and can be rehydrated."""
    session.site()
    wanted = _chosen(name, everything, stub_filter(session, mailbox_name, definition, folder, text))
    revoke = partial(stub_care.revoke, wanted)
    if what_if and not as_json:
        links = tried(revoke)
        found = [each for each in stub_care.meant(wanted) if each.links]
        _tell_meant(f"revoke {count(links, 'link')} of", found)
        return
    of = f"stub {stub_row(name).id}" if name else "the stubs that are meant"
    sure_about(
        revoke,
        lambda links: f"Let {count(links, 'link')} of {of} open nothing any more?" if links else "",
        yes=yes or what_if,
    )
    with changes(what_if=what_if, as_json=as_json) as telling:
        revoked = revoke()
        telling.say(f"{number(revoked)} links revoked", links=revoked)


def _tell_meant(what: str, found: Sequence[Meant]) -> None:
    """Whose stubs it would be done to, mailbox by mailbox."""
    if not found:
        click.echo("Nothing would be changed.")
        return
    stubs = count(sum(each.stubs for each in found), "stub")
    click.echo(printable(f"Would {what} {stubs} in {_into(found)}:"))
    for each in found:
        more = f" and {number(each.stubs - len(each.first))} more" if each.stubs > len(each.first) else ""
        numbers = ", ".join(map(str, each.first))
        said = f"{count(each.stubs, 'stub')}, {size(each.size)} before: no. {numbers}{more}"
        click.echo(printable(f"    {each.address}: {said}"))


def _into(found: Sequence[Meant]) -> str:
    return found[0].address if len(found) == 1 else count(len(found), "mailbox", "mailboxes")


def _way_for_deleted(
    deleted: Sequence[int], name: str | None, mailbox_name: str | None, definition: str, folder: str | None, text: str
) -> str:
    """How those come back that were deleted and have left no stub; '' where there are none."""
    if not deleted:
        return ""
    selected = [str(deleted[0])] if name else ["--deleted"]
    for option, value in (
        ("--mailbox", mailbox_name), ("--definition", definition), ("--from-folder", folder), ("--text", text),
    ):  # fmt: skip
        selected += [option, shlex.quote(value)] if value else []
    command = "mse-tui archive restore " + " ".join(selected if len(selected) > 1 or name else [*selected, "--all"])
    one = len(deleted) == 1
    were = f"{count(len(deleted), 'message was', 'messages were')} deleted and left no {'stub' if one else 'stubs'}"
    return f"{were}. To put {'it' if one else 'them'} back: {command}"


def _way_for_lost(wanted: StubFilter) -> str:
    """How the originals of lost stubs come back, in whose places nothing can be put; '' where there are none."""
    lost = stub_care.originals(wanted, (StubState.LOST,))
    if not lost:
        return ""
    numbers = " ".join(map(str, lost[:_NAMED]))
    more = f", and {number(len(lost) - _NAMED)} more of them" if len(lost) > _NAMED else ""
    one = len(lost) == 1
    lay = "its original where it" if one else "their originals where they"
    where = f"{count(len(lost), 'stub is', 'stubs are')} lost: rehydrated only if {'it is' if one else 'they are'} back"
    return f"{where}. To put {lay} lay: mse-tui archive restore {numbers}{more}"


def _say_error(sentence: str) -> None:
    if sentence:
        click.echo(printable(sentence), err=True)


def tell_restored(report: RestoreReport, as_json: bool, **facts: int) -> None:
    """What was put back, and what was not."""
    if as_json:
        refused = {str(reason): count for reason, count in report.refused.items()}
        answer = {"what_if": False, "restored": report.restored, "refused": refused, "problems": report.problems}
        emit_json(answer | facts)
        return
    click.echo(f"{number(report.restored)} put back")
    for sentence in report.problems:
        click.echo(printable(f"not put back: {sentence}"), err=True)


def stub_filter(
    session: Session, mailbox_name: str | None, definition: str, folder: str | None, text: str,
    states: tuple[str, ...] = (), *, or_deleted: bool = False,
) -> StubFilter:  # fmt: skip
    """What a person has named; `or_deleted`: the definition may be one that deletes by policies.

    Raises Problem not-found, and click's errors.
    """
    from mse_tui.archive.views import View
    from mse_tui.archive.views import folder as find_folder

    if folder is not None and mailbox_name is None:
        raise click.UsageError("--folder goes with --mailbox.")
    definition = _definition_named(definition, or_deleted=or_deleted) if definition else ""
    mailbox_id = None if mailbox_name is None else archived_mailbox(session, mailbox_name).id
    folder_id = None
    if folder is not None and mailbox_id is not None:
        name_folders()
        folder_id = find_folder(mailbox_id, folder, View.full()).id
    return StubFilter(mailbox_id, definition, [StubState(each) for each in states], text, folder_id)


def _definition_named(text: str, *, or_deleted: bool) -> str:
    """The name as it is written; what has stubbed something may have been removed since, or renamed."""
    known = stub_definitions() | {row.name for row in queries.definitions(TaskType.STORAGE_MANAGEMENT)}
    if or_deleted:
        known |= deleting_definitions() | {row.name for row in queries.definitions(TaskType.MANAGED_FOLDERS)}
    named = {name.casefold(): name for name in known} | {name: name for name in known}
    if (found := named.get(text, named.get(text.casefold()))) is None:
        raise Problem(
            Reason.NOT_FOUND,
            f"There is no definition {text!r} of this kind, and none of this name has taken anything out of mailboxes.",
            "mse-tui definition list shows what there is.",
        )
    return found


def _chosen(name: str | None, everything: bool, wanted: StubFilter) -> StubFilter:
    if name is not None:
        return StubFilter(ids=[stub_row(name).id])
    if wanted == StubFilter(states=[]) and not everything:
        raise click.UsageError("Say which: a stub's number, --mailbox, --definition, --folder, --text, or --all.")
    return wanted


def tell_putting_back(as_json: bool) -> Callable[[str, str, PutBack], None]:
    """What says on standard error how each message went; nothing where JSON is wanted."""

    def told(address: str, name: str, answer: PutBack) -> None:
        if not as_json:
            click.echo(printable(f"{address}: {name}: {answer.message or 'put back'}"), err=True)

    return told


def _checking(address: str, one: int, of: int) -> None:
    click.echo(printable(f"{number(one)} of {count(of, 'mailbox', 'mailboxes')}: {address}"), err=True)


def _facts(row: StubRow) -> list[tuple[str, object]]:
    return [
        ("Stub", f"{row.key} (no. {row.id})"),
        ("Message", "gone from the archive" if row.placement_id is None else f"no. {row.placement_id} in the archive"),
        ("Mailbox", row.address),
        ("Folder", WITHHELD if row.folder is None else row.folder),
        ("Subject", subject_said(row.subject)),
        ("From", WITHHELD if row.sender is None else row.sender),
        ("State", row.state_said),
        ("Action", row.action),
        ("Definition", row.definition),
        ("Stubbed", absolute(row.began)),
        ("Since", absolute(row.ended)),
        ("Size before", size(row.true_size)),
        ("Size now", "-" if row.state is StubState.LOST else size(row.stub_size)),
        ("Links that hold", number(row.links)),
        ("Retrieved", f"{number(row.retrievals)} times"),
    ]


def _tell_check(found: list[StubCheck]) -> None:
    for each in found:
        click.echo(
            printable(f"{each.address}: {number(each.whole)} of {number(each.stubs)} stubs are as they were made")
        )
        for word, rows in (
            ("moved, and known where to", each.moved), ("copied", each.copied), (_LOST, each.lost),
            ("to be completed", each.unfinished), ("without their original in the archive", each.unreadable),
        ):  # fmt: skip
            for row in rows:
                by = f" (deleted by {row.deleted_by!r})" if row.deleted_by and word == _LOST else ""
                click.echo(printable(f"    {word}: no. {row.id} {subject_said(row.subject)}{by}"))
        for unknown in each.unknown:
            click.echo(
                printable(f"    of an unknown original: {subject_said(unknown.subject)}, archive id {unknown.key}")
            )
        if each.problem:
            click.echo(printable(f"    not looked at: {each.problem}"))
    if any(each.unknown for each in found):
        explanation = explain(Reason.STUB_UNKNOWN)
        click.echo(f"{Reason.STUB_UNKNOWN}: {explanation.happened} {explanation.remedy}")
    lost = sum(len(each.lost) for each in found)
    if lost:
        click.echo(
            f"{count(lost, 'stub is', 'stubs are')} no longer there; the archive has what can be restored of them."
        )
    if not all(each.ok for each in found):
        click.echo("Not all is well.")
    else:
        click.echo("All others are well." if lost else "All is well.")
