"""Random mailboxes and random managed folders definitions, over the wire, against a model of the rules.

What must hold: a dry run says what the real run then does; what leaves is what the model says, and all of it is in the
archive; what is on hold, private and unarchived, unread or elsewhere stays as it was; a second run changes nothing but
what has been archived since.
"""

import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as current
from hypothesis import strategies as st

from mse_tui.archive.packs import Packs
from mse_tui.exchange.ews import connect
from mse_tui.store.database import now
from mse_tui.store.models import Message
from mse_tui.store.retention import Hold, RetentionStamp
from tests.exchange.canned import PASSWORD_VARIABLE, Halts, opened, settings
from tests.features.replicating import Replication, make_task
from tests.features.retaining import Managing, definition, policy, subjects_by_path
from tests.support.owner import BEGAN, Owner

pytestmark = [pytest.mark.timeout(7200), pytest.mark.slow]
EXAMPLES = max(4, current.default.max_examples // 4)
"""Each is four runs over a mailbox."""

NOW = BEGAN + timedelta(days=1000)
KEEP = "Keep"
FOLDERS = ("inbox", "sentitems", "deleteditems", KEEP)
PATHS = {"inbox": "Inbox", "sentitems": "Sent Items", "deleteditems": "Deleted Items", KEEP: f"Inbox/{KEEP}"}
HELD = "HELD"


@dataclass(frozen=True)
class Thing:
    """One message of a random mailbox."""

    folder: str
    age: int
    is_read: bool
    sensitivity: str
    held: bool
    fate: str
    """replicated; edited after that; or late: nobody has replicated it"""


things = st.builds(
    Thing,
    folder=st.sampled_from(FOLDERS),
    age=st.sampled_from((1, 29, 30, 31, 400)),
    is_read=st.sampled_from((True, True, True, False)),
    sensitivity=st.sampled_from(("Normal", "Normal", "Normal", "Private")),
    held=st.sampled_from((False, False, False, True)),
    fate=st.sampled_from(("replicated", "replicated", "edited", "late")),
)
policies = st.fixed_dictionaries(
    {},
    optional={
        "delete": st.sampled_from((0, 30, 300)),
        "how": st.sampled_from(("soft delete", "move to Deleted Items", "hard delete")),
        "unread": st.booleans(),
        "purge": st.sampled_from((500, 5000)),
    },
)
choices = st.fixed_dictionaries(
    {"default": policies, "inbox": st.none() | policies, "deleted": st.none() | policies, KEEP: policies,
     "archive_missing": st.booleans()}
)  # fmt: skip


@pytest.fixture
def reach(server, monkeypatch):
    user, password = server.service_account
    monkeypatch.setenv(PASSWORD_VARIABLE, password)

    @contextmanager
    def opened_mailbox(owner):
        with opened(connect(settings(server.url, user=user), Halts()), owner.address) as mailbox:
            yield mailbox

    return opened_mailbox


_numbers = itertools.count(1)


class Box:
    """A random mailbox, and what the model says of it."""

    def __init__(self, owner: Owner, mailbox, packs: Packs, mailbox_things, chosen) -> None:
        self.owner, self.mailbox, self.packs, self.chosen = owner, mailbox, packs, chosen
        self.keep = owner.store.add_folder(owner.mailbox.id, owner.folder("inbox"), KEEP).id
        self.things = {}
        self._task = make_task()
        for late in (False, True):
            for thing in mailbox_things:
                if (thing.fate == "late") is late:
                    self._add(thing)
            if not late:
                self.replicate()
        for subject, thing in self.things.items():
            if thing.fate == "edited":
                (row,) = [each for each in self._items(thing.folder) if each["subject"] == subject]
                mime = f"Subject: {subject}\r\nMessage-ID: <{subject}-2@x>\r\n\r\nEdited\r\n".encode()
                owner.store.update_item(row["id"], {}, mime=mime)

    def replicate(self) -> None:
        Replication(self.mailbox, self.packs, self._task).run()

    def _items(self, folder):
        return self.owner.store.items(self.keep if folder == KEEP else self.owner.folder(folder))

    def _add(self, thing: Thing) -> None:
        number = next(_numbers)
        subject = f"{HELD if thing.held else 'Free'} {number}"
        item = self.owner.add(
            number, folder="inbox" if thing.folder == KEEP else thing.folder, is_read=thing.is_read,
            received=NOW - timedelta(days=thing.age), sensitivity=thing.sensitivity, subject=subject,
        )  # fmt: skip
        if thing.folder == KEEP:
            self.owner.store.move_item(item, self.keep)
        self.things[subject] = thing

    def wanted(self):
        named = {key: policy(**self.chosen[key]) for key in ("default", KEEP)}
        known = {key: None if self.chosen[key] is None else policy(**self.chosen[key]) for key in ("inbox", "deleted")}
        return definition(
            default_policy=named["default"], managed=[("Inbox", KEEP, named[KEEP])],
            archive_missing=self.chosen["archive_missing"], **known,
        )  # fmt: skip

    def policy_of(self, thing: Thing) -> dict:
        own = {"inbox": self.chosen["inbox"], "deleteditems": self.chosen["deleted"], KEEP: self.chosen[KEEP]}
        found = own.get(thing.folder)
        return self.chosen["default"] if found is None else found

    def leaves(self, thing: Thing) -> bool:
        """What the rules say of a message, told without the product."""
        rule = self.policy_of(thing)
        if "delete" not in rule or thing.age < rule["delete"]:
            return False
        if thing.folder == "deleteditems" and rule.get("how") == "move to Deleted Items":
            return False
        if (not thing.is_read and not rule.get("unread")) or thing.held:
            return False
        if thing.sensitivity == "Private":
            return False  # replication leaves it out, and so does archiving first
        return thing.fate == "replicated" or self.chosen["archive_missing"]

    def now_replicated(self) -> int:
        """What nobody had replicated as it is has been by now; how many leave, all in all."""
        self.things = {subject: replace(thing, fate="replicated") for subject, thing in self.things.items()}
        return sum(map(self.leaves, self.things.values()))

    def expected(self) -> dict[str, list[str]]:
        left: dict[str, list[str]] = {}
        for subject, thing in self.things.items():
            path = PATHS[thing.folder]
            if self.leaves(thing):
                if self.policy_of(thing).get("how") != "move to Deleted Items":
                    continue
                path = PATHS["deleteditems"]
            left.setdefault(path, []).append(subject)
        return {path: sorted(subjects) for path, subjects in left.items()}


def counted(journal) -> Counter[str]:
    left_out = {"dry_run", "stamped", "restamped"}
    return Counter({name: number for name, number in journal.counts.items() if name not in left_out})


@given(mailbox_things=st.lists(things, min_size=1, max_size=12), chosen=choices)
@current(max_examples=EXAMPLES, deadline=None)
def test_what_leaves_is_what_the_rules_say(store, server, reach, mailbox_things, chosen):
    owner, packs = Owner(server), Packs(store.archive)
    Hold.delete().execute()
    with reach(owner) as mailbox:
        box = Box(owner, mailbox, packs, mailbox_things, chosen)
        Hold.create(
            name="Case 7", scope="search", search=f'{{"subject": "{HELD}"}}', placed=now(), placed_by="eve"
        )  # fmt: skip
        managing = Managing(mailbox, packs, moment=NOW)
        wanted = box.wanted()
        before = subjects_by_path(mailbox)
        dry = managing.run(wanted.model_copy(update={"dry_run": True}))
        assert subjects_by_path(mailbox) == before, "a dry run changes nothing"
        real = managing.run(wanted)
        foreseen = counted(dry)
        foreseen["confirmed"] += foreseen["archived_first"]  # a dry run confirms nothing that it would archive first
        assert (foreseen, dry.skipped) == (counted(real), real.skipped)
        assert not real.failures
        assert subjects_by_path(mailbox) == box.expected()
        gone = [subject for subject, thing in box.things.items() if box.leaves(thing)]
        archived = {row.subject: row for row in Message.select().where(Message.subject.in_(gone))}
        assert set(gone) == set(archived), "nothing left that the archive does not have"
        for row in archived.values():
            packs.check_content(bytes(row.sha256))
        check_stamps(box)
        box.replicate()
        late = box.now_replicated() - len(gone)
        after = box.expected()
        again = managing.run(wanted)
        fresh = {PATHS["deleteditems"]}
        moved = any(rule and rule.get("how") == "move to Deleted Items" for rule in chosen.values() if rule is not True)
        if not moved:
            assert subjects_by_path(mailbox) == after
            assert again.counts["items_deleted"] == late
        else:
            assert {path: found for path, found in subjects_by_path(mailbox).items() if path not in fresh} == {
                path: found for path, found in after.items() if path not in fresh
            }


def check_stamps(box: Box) -> None:
    """Every archived message in a folder whose policy speaks of purging has that date."""
    dates = {
        row.message.subject: row.purge
        for row in RetentionStamp.select().where(RetentionStamp.ended.is_null())
        if row.message.subject in box.things
    }
    for subject, purge in dates.items():
        thing = box.things[subject]
        assert purge == NOW - timedelta(days=thing.age) + timedelta(days=box.policy_of(thing)["purge"])
    for subject, thing in box.things.items():
        if thing.fate == "replicated" and thing.sensitivity == "Normal" and "purge" in box.policy_of(thing):
            assert subject in dates
