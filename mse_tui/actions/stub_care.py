"""Stubs as people look after them: which are meant, whether all is well with them, what their links open."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from threading import Event

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit
from mse_tui.actions.contents import are_shown, only_by_what_is_shown, shown_stubs
from mse_tui.archive import expiries, stub_links, stubs, views
from mse_tui.archive.marks import find_marked, of_unknown_originals
from mse_tui.archive.packs import Packs
from mse_tui.archive.stub_registry import StubFilter, StubRow, every_stub
from mse_tui.archive.stubs import LIVE, StubState
from mse_tui.archive.views import MailboxView
from mse_tui.engine.locks import locked
from mse_tui.engine.same_mailbox import refuse_another
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.feature import NEVER_PASSED_OVER
from mse_tui.features.restoring import content_of
from mse_tui.features.stub_completion import every_folder, find_wherever, know_where
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import writing

_NAMED = 5
"""Stubs of a mailbox that are named by number."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The stubs of one mailbox that are meant."""

    address: str
    stubs: int
    size: int
    """Bytes of the originals."""
    links: int
    """Links that hold."""
    first: tuple[int, ...]
    """Numbers of some of them."""


@needs(Role.VIEWER)
def meant(wanted: StubFilter, states: Collection[StubState] = tuple(StubState)) -> list[Meant]:
    """How many stubs are meant, mailbox by mailbox, by address."""
    by_address: dict[str, list[StubRow]] = {}
    for row in every_stub(only_by_what_is_shown(wanted)):
        if row.state in states:
            by_address.setdefault(row.address, []).append(row)
    return [
        Meant(
            address,
            len(rows),
            sum(row.true_size for row in rows),
            sum(row.links for row in rows),
            tuple(sorted(row.id for row in rows)[:_NAMED]),
        )
        for address, rows in sorted(by_address.items())
    ]


@needs(Role.VIEWER)
def originals(wanted: StubFilter, states: Collection[StubState]) -> list[int]:
    """The archive's numbers of the originals that are meant."""
    rows = [row for row in every_stub(only_by_what_is_shown(wanted)) if row.state in states]
    return [row.placement_id for row in reversed(rows) if row.placement_id is not None]


@needs(Role.VIEWER)
def deleted_originals(wanted: StubFilter) -> list[int]:
    """The archive's numbers of what storage management and managed folders have deleted, and nobody has put back."""
    by_policies = expiries.originals(only_by_what_is_shown(wanted))
    return list(dict.fromkeys([*originals(wanted, (StubState.DELETED,)), *by_policies]))


@needs(Role.DESTRUCTIVE)
def revoke(wanted: StubFilter) -> int:
    """No link of the stubs that are meant opens anything any more; how many links held until now."""
    rows = list(every_stub(only_by_what_is_shown(wanted)))
    with writing():
        revoked = stub_links.revoke([row.id for row in rows])
        audit("revoke stub links", "stubs", after={"stubs": [row.key for row in rows], "links": revoked})
    return revoked


@dataclass(frozen=True, slots=True)
class UnknownStub:
    """An item with a stub's mark that the registry does not know."""

    key: str
    """The archive id that the stub names."""
    subject: str | None
    """None: withheld."""


@dataclass(slots=True)
class StubCheck:
    """What a mailbox has of its stubs."""

    address: str
    stubs: int = 0
    whole: int = 0
    """Where they were and as they were made."""
    moved: list[StubRow] = field(default_factory=list)
    lost: list[StubRow] = field(default_factory=list)
    """Not in the mailbox, or without their mark."""
    copied: list[StubRow] = field(default_factory=list)
    """There more than once."""
    unfinished: list[StubRow] = field(default_factory=list)
    unreadable: list[StubRow] = field(default_factory=list)
    """Dangling: the archive can't give the original."""
    unknown: list[UnknownStub] = field(default_factory=list)
    """Stubs of which the archive knows no original: that may be in no archive, or in that of an older backup."""
    problem: str = ""
    """Why the mailbox could not be looked at."""

    @property
    def ok(self) -> bool:
        return not (self.unfinished or self.unreadable or self.unknown or self.problem)


@needs(Role.OPERATOR)
def check(
    exchange: Exchange, packs: Packs, wanted: StubFilter, *, told: Callable[[str, int, int], None] = lambda *_: None
) -> list[StubCheck]:
    """Compare the registry with the mailboxes and with the archive's content.

    `told` is told of each mailbox that is looked at: its address, which one it is, of how many.
    Where no stubs in particular are wanted, mailboxes of which the registry knows none are looked at too.
    A mailbox among several that can't be looked at says so in its row; one that was named alone raises the Problem.
    Changes what the registry knows: where stubs lie, which are lost, and which of the lost are back.
    """
    every = every_stub(only_by_what_is_shown(wanted))
    rows = shown_stubs([row for row in every if row.state in (*LIVE, StubState.LOST)])
    with_stubs = {row.mailbox_id for row in rows}
    whole = wanted == StubFilter(wanted.mailbox_id, states=wanted.states)
    mailboxes = [each for each in views.mailboxes() if each.id in with_stubs or (whole and _is_meant(each, wanted))]
    found = []
    for number, archived in enumerate(mailboxes, 1):
        told(archived.address, number, len(mailboxes))
        try:
            checked = _check(exchange, packs, archived, rows)
        except Problem as problem:
            if problem.reason in NEVER_PASSED_OVER or wanted.mailbox_id is not None:
                raise
            if archived.id in with_stubs or problem.reason is not Reason.MAILBOX_NOT_FOUND:
                found.append(StubCheck(archived.address, problem=str(problem)))
            continue
        if archived.id in with_stubs or checked.unknown:
            found.append(checked)
    return found


def _is_meant(archived: MailboxView, wanted: StubFilter) -> bool:
    return wanted.mailbox_id in (None, archived.id)


def _check(exchange: Exchange, packs: Packs, archived: MailboxView, rows: Sequence[StubRow]) -> StubCheck:
    found = StubCheck(archived.address)
    own = {row.key: row for row in rows if row.mailbox_id == archived.id}
    found.stubs = len(own)
    with exchange.mailbox(archived.address, Event()) as mailbox, locked(mailbox, "stub check") as fence:
        refuse_another(mailbox, archived)
        live = [row.key for row in own.values() if row.state is not StubState.LOST]
        marked = find_wherever(mailbox, live) if live else find_marked(mailbox, every_folder(mailbox))
        unknown = of_unknown_originals(marked)
        if unknown and are_shown():
            audit("look at stubs", archived.address)
        found.unknown = [UnknownStub(each.row.stub, each.row.subject if are_shown() else None) for each in unknown]
        for key, row in own.items():
            here = [details.row.remote_id for details in marked.get(key, ())]
            record = stubs.record(row.id)
            if record is None:
                continue
            if not _is_readable(packs, record.message_id):
                found.unreadable.append(row)
            know_where(record, here, fence)
            if not here:
                found.lost.append(row)
            elif len(here) > 1:
                found.copied.append(row)
            elif record.state in (StubState.WRITING, StubState.MARKED, StubState.RESTORING):
                found.unfinished.append(row)
            elif here[0] != record.remote_id:
                found.moved.append(row)
            else:
                found.whole += 1
    return found


def _is_readable(packs: Packs, message_id: int) -> bool:
    try:
        packs.check_content(content_of(message_id))
    except Problem:
        return False
    return True
