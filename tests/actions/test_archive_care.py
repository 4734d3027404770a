"""Verifying and repairing a site's archive against its organisation, under each mailbox's lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from mse_tui.actions.archive_care import Wanted, compact, verify_archive
from mse_tui.actions.opening import open_site
from mse_tui.archive.packs import Packs
from mse_tui.archive.views import View
from mse_tui.engine.leases import Leases
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.lease_keys import engine_key, mailbox_key
from mse_tui.store.models import Audit, Lease, Message, Placement
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import Archive, Replication, make_task


class PracticeOrganisation:
    """The Exchange protocol over practice mailboxes."""

    def __init__(self, *servers: PracticeExchange) -> None:
        self.mailboxes = {each.address: each for each in map(PracticeMailbox, servers)}

    @contextmanager
    def mailbox(self, address: str, cancel: Event, on_wait: object = None) -> Iterator[PracticeMailbox]:
        if address not in self.mailboxes:
            raise Problem(Reason.MAILBOX_NOT_FOUND, f"There is no mailbox {address}.")
        yield self.mailboxes[address]

    def resolve(self, address: str) -> MailboxIdentity:
        return self.mailboxes[address].identity()

    def close(self) -> None: ...


class Replicated:
    """Two mailboxes in the archive; one content of each is damaged, one item of ann's has fallen out."""

    def __init__(self, packs: Packs) -> None:
        self.packs = packs
        self.servers = [PracticeExchange("ann"), PracticeExchange("bob")]
        self.organisation = PracticeOrganisation(*self.servers)
        self.runs = []
        for server in self.servers:
            inbox = next(each.id for each in server.live_folders() if each.name == "Inbox")
            for number in range(3):
                server.add_item(inbox, Mail(f"{server.guid} {number}", subject=f"{server.guid} {number}"))
            self.runs.append(Replication(PracticeMailbox(server), packs, make_task()))
            self.runs[-1].run()
        self.perfect = [Archive(each.guid, packs).show(View.live()) for each in self.servers]
        for subject in ("ann 1", "bob 1"):
            self._damage(bytes(Message.get(Message.subject == subject).sha256))
        lost = Placement.select().join(Message).where(Message.subject == "ann 2").get()
        Placement.delete().where(Placement.id == lost.id).execute()

    def _damage(self, digest: bytes) -> None:
        place = self.packs.place(digest)
        assert place is not None
        path = self.packs.path(place.name)
        raw = bytearray(path.read_bytes())
        raw[place.offset + place.length // 2] ^= 1
        path.write_bytes(raw)


@pytest.fixture
def there(store: Home) -> Replicated:
    open_site(store)
    return Replicated(Packs(store.archive))


def test_without_repair_nothing_changes(there: Replicated) -> None:
    wanted = Wanted(read_data=True, exchange=there.organisation)
    for _ in range(2):
        care = verify_archive(there.packs, wanted)
        assert not care.was_ok and not care.is_ok
        assert len(care.archive.bad_contents) == 2
        assert [report.counts.total() for report in care.mailboxes] == [1, 0]
        assert care.repair is None and care.after is None
    assert not Audit.select().where(Audit.action == "repair archive").count()


def test_repair_mends_all_and_is_audited(there: Replicated) -> None:
    care = verify_archive(there.packs, Wanted(read_data=True, exchange=there.organisation, repair=True))
    assert not care.was_ok and care.is_ok
    assert care.repair is not None and care.repair.repaired == 2
    assert care.repair.folders == ["ann@example.test: Inbox"]
    for run in there.runs:
        run.run()
    assert [Archive(each.guid, there.packs).show(View.live()) for each in there.servers] == there.perfect
    assert verify_archive(there.packs, Wanted(read_data=True, exchange=there.organisation)).was_ok
    assert Audit.select().where(Audit.action == "repair archive").count() == 1
    assert not Lease.select().where(Lease.owner != "").count()


def test_a_mailbox_in_use_and_one_that_is_gone_are_left(there: Replicated) -> None:
    held = Leases().take(mailbox_key("ann"), "task Sales on host")
    del there.organisation.mailboxes["bob@example.test"]
    care = verify_archive(there.packs, Wanted(read_data=True, exchange=there.organisation, repair=True))
    assert held is not None and not care.is_ok
    assert {address: problem.reason for address, problem in care.unreached.items()} == {
        "ann@example.test": Reason.MAILBOX_LOCKED,
        "bob@example.test": Reason.MAILBOX_NOT_FOUND,
    }
    assert "task Sales" in care.unreached["ann@example.test"].happened
    assert len(verify_archive(there.packs, Wanted(read_data=True)).archive.bad_contents) == 2


def test_one_mailbox_only(there: Replicated) -> None:
    wanted = Wanted(exchange=there.organisation, mailboxes=("BOB@example.test",))
    assert [report.address for report in verify_archive(there.packs, wanted).mailboxes] == ["bob@example.test"]
    with pytest.raises(Problem) as caught:
        verify_archive(there.packs, Wanted(exchange=there.organisation, mailboxes=("eve@example.test",)))
    assert caught.value.reason is Reason.NOT_FOUND


def test_a_refused_password_ends_it_at_once(there: Replicated) -> None:
    asked = []

    @contextmanager
    def refused(address: str, cancel: Event, on_wait: object = None) -> Iterator[PracticeMailbox]:
        asked.append(address)
        raise Problem(Reason.PASSWORD_REFUSED, "Refused.")
        yield

    there.organisation.mailbox = refused  # type: ignore[method-assign]
    with pytest.raises(Problem):
        verify_archive(there.packs, Wanted(exchange=there.organisation))
    assert len(asked) == 1


def test_compacting_without_grace_needs_an_idle_site(store: Home) -> None:
    site = open_site(store)
    packs = Packs(store.archive)
    assert compact(packs, site, without_grace=True).rewritten == 0
    held = Leases().take(engine_key(site.code), "engine on host")
    with pytest.raises(Problem) as caught:
        compact(packs, site, without_grace=True)
    assert caught.value.reason is Reason.ENGINE_RUNNING_ELSEWHERE
    assert held is not None and compact(packs, site).rewritten == 0
