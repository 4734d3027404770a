"""Random mailboxes and random definitions of storage management, over the wire.

What must hold: a dry run says what the real run then does; nothing that the definition does not mean is touched, not
by a byte; what leaves a mailbox is in the archive as it was; a second run changes nothing; rehydrating gives back
every item as it was.
"""

import io
import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as current
from hypothesis import strategies as st

from mse_tui.archive import stubs
from mse_tui.archive.fence import NoFence
from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.stubs import RESTORABLE
from mse_tui.exchange.ews import connect
from mse_tui.features.restoring import Restoring
from mse_tui.store.models import ArchiveMailbox, Message
from mse_tui.store.stubs import Stub
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.managing import Management, all_items, mime_of
from tests.features.replicating import Replication, make_task
from tests.support.owner import Owner

pytestmark = [pytest.mark.timeout(7200), pytest.mark.slow]
EXAMPLES = max(5, current.default.max_examples // 4)
"""Each is four runs over a mailbox."""

FOLDERS = ("inbox", "sentitems", "drafts")
NAMES = ("a.pdf", "b.bin", "c.txt", "smime.p7s", "ü.pdf")


@dataclass(frozen=True)
class Thing:
    """One item of a random mailbox."""

    folder: str
    age: int
    html: bool
    size: int
    attachments: tuple[tuple[str, int], ...]
    is_read: bool
    flag: str
    categories: tuple[str, ...]
    sensitivity: str
    item_class: str
    fate: str
    """replicated; flagged or edited after that; or late: nobody has replicated it"""


things = st.builds(
    Thing,
    folder=st.sampled_from(FOLDERS),
    age=st.sampled_from((5, 100, 400, 1000)),
    html=st.booleans(),
    size=st.sampled_from((0, 30_000)),
    attachments=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from((10, 9000, 60_000))),
        max_size=3,
        unique_by=lambda each: each[0],
    ).map(tuple),
    is_read=st.sampled_from((True, True, True, False)),
    flag=st.sampled_from(("NotFlagged", "NotFlagged", "Complete", "Flagged")),
    categories=st.sampled_from(((), (), ("Project",))),
    sensitivity=st.sampled_from(("Normal", "Normal", "Normal", "Private", "Personal", "Confidential")),
    item_class=st.sampled_from(("IPM.Note", "IPM.Note", "IPM.Note", "IPM.Note.SMIME", "IPM.Post")),
    fate=st.sampled_from(("replicated", "flagged", "edited", "late")),
)
definitions = st.fixed_dictionaries(
    {
        "action": st.sampled_from(
            ("attachment stub", "attachment stub with universal access", "full stub", "delete")
        ),
        "older_than_days": st.sampled_from((0, 90, 365)),
        "min_message_kib": st.sampled_from((0, 20)),
        "min_attachment_kib": st.sampled_from((0, 8, 50)),
        "folders": st.sampled_from(((), (), ("inbox",), ("Sent Items", "drafts"))),
        "excluded_folders": st.sampled_from(((), (), ("drafts",))),
        "attachment_types": st.sampled_from(((), (), ("pdf",))),
        "excluded_attachment_types": st.sampled_from(((), ("bin",))),
        "include_unread": st.booleans(),
        "include_flagged": st.booleans(),
        "include_categorised": st.booleans(),
        "archive_missing": st.booleans(),
    }
)  # fmt: skip


@pytest.fixture
def reach(server, monkeypatch):
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD_VARIABLE, password)

    @contextmanager
    def opened_mailbox(owner):
        with opened(connect(settings(server.url, user=user), Halts()), owner.address) as mailbox:
            yield mailbox
        server.faults.clear()

    return opened_mailbox


_numbers = itertools.count(1)


def fill(owner, mailbox, packs, mailbox_things):
    """Put the things into the mailbox, replicated or not."""
    ids = {}
    for late in (False, True):
        for number, thing in enumerate(mailbox_things):
            if (thing.fate == "late") is late:
                ids[number] = owner.add(
                    next(_numbers),
                    size=thing.size,
                    html=thing.html,
                    attachments=[(name, bytes([number % 256]) * size) for name, size in thing.attachments],
                    folder=thing.folder,
                    received=datetime.now(UTC) - timedelta(days=thing.age),
                    is_read=thing.is_read,
                    flag=thing.flag,
                    categories=list(thing.categories),
                    sensitivity=thing.sensitivity,
                    item_class=thing.item_class,
                )
        if not late:
            Replication(mailbox, packs, make_task()).run()
    for number, thing in enumerate(mailbox_things):
        if thing.fate == "flagged":
            owner.store.update_item(ids[number], {"importance": "High"})
        elif thing.fate == "edited":
            content = owner.store.content(owner.store.item(ids[number]))
            owner.store.update_item(ids[number], {}, mime=content.replace(b"Hello", b"Hullo"))


def digest(mailbox, remote_id):
    return canonical_digest(io.BytesIO(mime_of(mailbox, remote_id)))


STATE = ("received", "sent", "is_read", "flag", "categories", "subject", "sender", "message_id", "item_class",
         "importance", "sensitivity", "has_attachments", "stub")  # fmt: skip


def stored(mailbox):
    """Remote id -> all that the server stores of the item, however it renders it."""
    return {
        each.row.remote_id: (
            digest(mailbox, each.row.remote_id),
            each.folder_id,
            each.body,
            tuple(getattr(each.row, name) for name in STATE),
            tuple((row.name, row.size, row.content_id) for row in each.attachments),
        )
        for each in all_items(mailbox)
    }


def may_be_touched(details, definition):
    """Whether a definition means an item at all; worded once more, apart from the product."""
    row = details.row
    signed = {"smime.p7s", "smime.p7m"} & {each.name for each in details.attachments}
    return not (
        row.sensitivity in ("Private", "Personal")
        or row.item_class not in ("IPM.Note",)
        or signed
        or (not row.is_read and not definition["include_unread"])
        or (row.flag == "Flagged" and not definition["include_flagged"])
        or (row.categories and not definition["include_categorised"])
        or row.received > datetime.now(UTC) - timedelta(days=definition["older_than_days"])
        or row.size < definition["min_message_kib"] * 1024
    )


def counted(journal):
    ignored = ("bytes_freed", "bytes_recoverable", "dry_run")
    return {name: number for name, number in journal.counts.items() if name not in ignored and number}


@current(max_examples=EXAMPLES)
@given(st.lists(things, min_size=1, max_size=8), definitions, st.booleans())
def test_storage_management_takes_what_it_should_and_nothing_else(
    server, store, packs, reach, mailbox_things, definition, varying
):
    owner = Owner(server)
    if varying:
        server.faults.inject("varying-mime", mailbox=owner.address)
    with reach(owner) as mailbox:
        fill(owner, mailbox, packs, mailbox_things)
        manage = Management(mailbox, packs)
        details = {each.row.remote_id: each for each in all_items(mailbox)}
        before = stored(mailbox)

        dry = manage.run(**{**definition, "dry_run": True})
        assert stored(mailbox) == before

        real = manage.run(**definition)
        foreseen = counted(dry)
        if sure := foreseen.pop("confirmed", 0) + foreseen.get("archived_first", 0):
            foreseen["confirmed"] = sure  # a dry run confirms nothing that it would archive first
        assert foreseen == counted(real) and dry.skipped == real.skipped
        assert not real.failures and not dry.failures
        after = stored(mailbox)
        changed = {remote_id for remote_id in before if after.get(remote_id) != before[remote_id]}
        assert len(changed) == real.counts["stubbed"] + real.counts["deleted"]
        assert set(after) <= set(before)
        assert all(may_be_touched(details[remote_id], definition) for remote_id in changed)
        check_originals(packs, mailbox, before, changed)

        again = manage.run(**definition)
        assert stored(mailbox) == after and not again.counts["stubbed"] and not again.counts["deleted"]

        mailbox_id = ArchiveMailbox.get(ArchiveMailbox.guid == mailbox.identity().guid).id
        answers = list(Restoring(mailbox, packs, NoFence()).rehydrate(stubs.in_mailbox(mailbox_id, RESTORABLE)))
        assert not any(answer.reason for answer in answers)
        if definition["action"] != "delete":
            assert Counter(stored(mailbox).values()) == Counter(before.values())


def check_originals(packs, mailbox, before, changed):
    """Whatever was changed is in the archive as it was."""
    mailbox_id = ArchiveMailbox.get(ArchiveMailbox.guid == mailbox.identity().guid).id
    rows = {row.remote_id: row for row in Stub.select().where(Stub.mailbox == mailbox_id)}
    assert set(rows) == changed
    for remote_id in changed:
        content = packs.read(bytes(Message.get_by_id(rows[remote_id].message_id).sha256))
        assert canonical_digest(io.BytesIO(content)) == before[remote_id][0]
