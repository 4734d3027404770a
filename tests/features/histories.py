"""Random histories of a mailbox, and what must hold after each pass: Live is the server, and history never changes."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import strategies as st

from mse_tui.archive.packs import Packs, PackWriter
from mse_tui.archive.passes import start_over
from mse_tui.archive.views import View
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.features.feature import Stopped
from mse_tui.features.folder_replication import FolderReplicationDefinition
from mse_tui.features.submission import BatchLimits
from mse_tui.reasons import Reason
from mse_tui.store.models import Removal
from tests.features.practice_exchange import BEGAN, ROOT, Mail, PracticeExchange
from tests.features.replicating import Archive, Placed, RecordingJournal, Replication, make_task

boxes = itertools.count(1)
_keys = itertools.count(1)

NAMES = ("Work", "Privat", "secret", "Ünïcode", "Old")


class Crash(Exception):
    """The engine dies here."""


@dataclass
class Countdown:
    """Raises at its n-th call."""

    left: int
    what: type[Exception] = Crash

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.what

    check = __call__


class CrashingPacks(Packs):
    """Dies in the writing of a pack: before its file is on disk, or right after."""

    def __init__(self, packs: Packs, before: Countdown, after: Countdown) -> None:
        super().__init__(packs.root)
        self._before, self._after = before, after

    def writer(self) -> PackWriter:
        writer = super().writer()
        finish = writer.finish

        def finish_or_die():
            self._before()
            pack = finish()
            self._after()
            return pack

        writer.finish = finish_or_die
        return writer


class Changes:
    """Random changes of a server's mailbox; each takes three numbers to choose by."""

    def __init__(self, server) -> None:
        self.server = server

    def _folder(self, number: int, own: bool = False):
        folders = [each for each in self.server.live_folders() if not own or not each.distinguished]
        return folders[number % len(folders)] if folders else None

    def _item(self, number: int):
        items = self.server.live_items()
        return items[number % len(items)] if items else None

    def _known(self, distinguished: str) -> str:
        return next(each.id for each in self.server.live_folders() if each.distinguished == distinguished)

    def _name(self, parent: str, number: int) -> str | None:
        taken = {each.name for each in self.server.live_folders() if each.parent == parent}
        free = [name for name in NAMES if name not in taken]
        return free[number % len(free)] if free else None

    def _mail(self, number: int, **more) -> Mail:
        key = f"{self.server.guid}-{next(_keys)}"
        values = {
            "subject": f"Subject {number % 3}", "message_id": f"<{key}>", "text": f"Text of {key}\r\n",
            "received": BEGAN + timedelta(days=number % 5), "attachment": b"x" * (number % 4),
        }  # fmt: skip
        return Mail(key, **(values | more))

    def arrive(self, a: int, b: int, c: int) -> None:
        self.server.add_item(self._folder(a).id, self._mail(b), is_read=c % 2 == 0)

    def arrive_old(self, a: int, b: int, _: int) -> None:
        self.server.add_item(self._folder(a).id, self._mail(b, received=BEGAN - timedelta(days=4000)))

    def arrive_without_id(self, a: int, b: int, _: int) -> None:
        self.server.add_item(self._folder(a).id, self._mail(b, message_id=""))

    def arrive_with_the_id_of_another(self, a: int, b: int, c: int) -> None:
        if item := self._item(c):
            same = {"message_id": item.mail.message_id, "subject": item.mail.subject, "received": item.mail.received}
            self.server.add_item(self._folder(a).id, self._mail(b, **same))

    def arrive_private(self, a: int, b: int, _: int) -> None:
        self.server.add_item(self._folder(a).id, self._mail(b, sensitivity="Private"))

    def arrive_poisoned(self, a: int, b: int, _: int) -> None:
        poison = isinstance(self.server, PracticeExchange)
        self.server.add_item(self._folder(a).id, self._mail(b, poison=poison))

    def move(self, a: int, b: int, _: int) -> None:
        if item := self._item(a):
            self.server.move_item(item.id, self._folder(b).id)

    def copy(self, a: int, b: int, _: int) -> None:
        if item := self._item(a):
            self.server.copy_item(item.id, self._folder(b).id)

    def delete(self, a: int, _: int, __: int) -> None:
        if item := self._item(a):
            self.server.delete_item(item.id)

    def delete_softly(self, a: int, _: int, __: int) -> None:
        if item := self._item(a):
            self.server.move_item(item.id, self._known("deleteditems"))

    def undelete(self, a: int, b: int, _: int) -> None:
        items = self.server.live_items(self._known("deleteditems"))
        if items:
            self.server.move_item(items[a % len(items)].id, self._folder(b).id)

    def edit(self, a: int, b: int, _: int) -> None:
        item = self._item(a)
        if item and not item.mail.poison and item.mail.sensitivity == "Normal":
            self.server.edit_item(item.id, self._mail(b, message_id=item.mail.message_id))

    def read(self, a: int, b: int, _: int) -> None:
        if item := self._item(a):
            self.server.read_item(item.id, b % 2 == 0)

    def flag(self, a: int, b: int, c: int) -> None:
        if item := self._item(a):
            self.server.flag_item(item.id, ("Flagged", "Complete", "NotFlagged")[b % 3], ("Red", "Blue")[: c % 3])

    def new_folder(self, a: int, b: int, _: int) -> None:
        parent = ROOT if a % 3 == 0 else self._folder(a).id
        if name := self._name(parent, b):
            self.server.add_folder(parent, name)

    def rename_folder(self, a: int, b: int, _: int) -> None:
        folder = self._folder(a, own=True)
        if folder and (name := self._name(folder.parent, b)):
            self.server.rename_folder(folder.id, name)

    def move_folder(self, a: int, b: int, _: int) -> None:
        folder, target = self._folder(a, own=True), self._folder(b)
        if folder and not self.server.inside(target.id, folder.id):
            self._move_folder(folder, target.id)

    def move_folder_to_top(self, a: int, _: int, __: int) -> None:
        if folder := self._folder(a, own=True):
            self._move_folder(folder, ROOT)

    def delete_folder_softly(self, a: int, _: int, __: int) -> None:
        if folder := self._folder(a, own=True):
            self._move_folder(folder, self._known("deleteditems"))

    def _move_folder(self, folder, target: str) -> None:
        taken = {each.name for each in self.server.live_folders() if each.parent == target}
        if folder.name not in taken:
            self.server.move_folder(folder.id, target)

    def delete_folder(self, a: int, _: int, __: int) -> None:
        if folder := self._folder(a, own=True):
            self.server.delete_folder(folder.id)

    def recreate_folder(self, a: int, b: int, _: int) -> None:
        folder = self._folder(a, own=True)
        if folder:
            self.server.delete_folder(folder.id)
            again = self.server.add_folder(folder.parent, folder.name)
            self.server.add_item(again, self._mail(b))

    def cure(self, _: int, __: int, ___: int) -> None:
        for item in self.server.live_items():
            if item.mail.poison:
                self.server.cure_item(item.id)

    def refuse_states(self, _: int, __: int, ___: int) -> None:
        self.server.refuse_states()


CHANGES = tuple(name for name in vars(Changes) if not name.startswith("_"))


def is_covered(server: PracticeExchange, folder, definition: FolderReplicationDefinition) -> bool:
    """Whether a definition covers a folder: said here in other words than the product's."""
    if folder.folder_class.startswith("IPF.Appointment"):
        return False
    excluded = {
        name
        for name, left_out in (
            ("inbox", definition.exclude_inbox),
            ("sentitems", definition.exclude_sent_items),
            ("deleteditems", definition.exclude_deleted_items),
        )
        if left_out
    }
    at = folder
    while True:
        if at.distinguished in excluded or (definition.excluded_folders and at.name == "secret"):
            return False
        if at.parent == ROOT:
            return True
        at = server.folders[at.parent]


def expected(server: PracticeExchange, definition: FolderReplicationDefinition) -> Counter[Placed]:
    """What a perfect replica of the covered folders shows."""
    shown: Counter[Placed] = Counter()
    for folder in server.live_folders():
        if is_covered(server, folder, definition):
            for item in server.live_items(folder.id):
                if item.mail.sensitivity == "Normal" and not item.mail.poison:
                    shown[(server.path(folder.id), item.mail.key, item.is_read, item.flag, item.categories)] += 1
    return shown


def covered_paths(server: PracticeExchange, definition: FolderReplicationDefinition) -> set[str]:
    return {server.path(each.id) for each in server.live_folders() if is_covered(server, each, definition)}


def with_ancestors(paths: set[str]) -> set[str]:
    return {"/".join(path.split("/")[: n + 1]) for path in paths for n in range(path.count("/") + 1)}


@dataclass
class World:
    """One mailbox, the tasks that replicate it, and all that is known of its history."""

    server: PracticeExchange
    packs: Packs
    tasks: list[Replication]
    archive: Archive
    journals: dict[int, list[RecordingJournal]] = field(default_factory=dict)
    dumps: list[tuple[View, Counter[tuple[str, str]]]] = field(default_factory=list)
    ever: set[tuple[int, str]] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    """Tasks that ran since the last change."""
    disturbed: bool = False
    """Something was entered by a pass that did not reach its end, or while the server changed."""

    @classmethod
    def make(
        cls, server, mailbox: Mailbox, packs: Packs, definitions: Sequence[FolderReplicationDefinition]
    ) -> "World":
        tasks = [
            Replication(mailbox, packs, make_task(), definition, BatchLimits(items=4)) for definition in definitions
        ]
        return cls(server, packs, tasks, Archive(mailbox.identity().guid, packs))

    def change(self, name: str, numbers: tuple[int, int, int]) -> None:
        getattr(Changes(self.server), name)(*numbers)
        self.fresh.clear()

    def run(self, number: int) -> None:
        """A pass that nothing disturbs; then everything must be true."""
        task = self.tasks[number % len(self.tasks)]
        before = self.archive.show(View.live()).total()
        journal = self._attempt(task, RecordingJournal(), task.packs)
        self.fresh.add(task.task.id)
        self._check_live(task)
        self._check_history(task)
        self._check_counters(task, journal)
        if len(self.tasks) == 1 and not self.disturbed:
            net = journal.counts["items_added"] - journal.counts["items_removed"]
            assert self.archive.show(View.live()).total() == before + net
        assert Removal.select().where(Removal.task == task.task).count() == 0

    def run_disturbed(self, number: int, how: int, when: int) -> None:
        """A pass that dies or is stopped at a chosen point, if it comes that far."""
        task = self.tasks[number % len(self.tasks)]
        journal, fence, packs = RecordingJournal(), Countdown(0), task.packs
        match how % 5:
            case 0:
                fence = Countdown(when)
            case 1:
                journal.at_advance = Countdown(when)
            case 2:
                journal.at_boundary = Countdown(when, Stopped)
            case 3:
                packs = CrashingPacks(packs, Countdown(when), Countdown(0))
            case 4:
                packs = CrashingPacks(packs, Countdown(0), Countdown(when))
        with contextlib.suppress(Crash, Stopped):
            self._attempt(task, journal, packs, fence)
        self.disturbed = True
        self._check_counters(task, journal)

    def run_while_changing(self, number: int, when: int, name: str, numbers: tuple[int, int, int]) -> None:
        """A pass during which the server changes."""
        task = self.tasks[number % len(self.tasks)]
        left = itertools.count(1)

        def change(_: str) -> None:
            if next(left) == when:
                self.change(name, numbers)

        self.server.on_request = change
        try:
            self._attempt(task, RecordingJournal(), task.packs)
        finally:
            self.server.on_request = lambda _: None
        self.disturbed = True
        self.fresh.clear()

    def resync(self, number: int) -> None:
        start_over(self.tasks[number % len(self.tasks)].task.id)

    def _attempt(self, task, journal, packs, fence=None) -> RecordingJournal:
        self.journals.setdefault(task.task.id, []).append(journal)
        own, task.packs = task.packs, packs
        try:
            task.run(journal, fence)
        finally:
            task.packs = own
        return journal

    def _check_live(self, task: Replication) -> None:
        live, paths = self.archive.show(View.live()), self.archive.paths(View.live())
        covered = covered_paths(self.server, task.definition)
        shown = Counter({placed: number for placed, number in live.items() if placed[0] in covered})
        assert shown == expected(self.server, task.definition)
        assert covered <= paths
        if len(self.fresh) == len(self.tasks):
            everything = set().union(*(covered_paths(self.server, each.definition) for each in self.tasks))
            assert paths == with_ancestors(everything)
            assert {placed[0] for placed in live} <= everything

    def _check_history(self, task: Replication) -> None:
        for view, dump in self.dumps:
            assert self.archive.places(view) == dump
        self.ever |= self.archive.everywhere(View.live())
        self.dumps.append((View.as_of(task.last_stamp), self.archive.places(View.live())))
        assert self.archive.places(self.dumps[-1][0]) == self.dumps[-1][1]
        full = self.archive.everywhere(View.full())
        assert full >= self.ever
        if not self.disturbed:
            assert full == self.ever
        contents = Counter(self.archive.contents())
        assert not [key for key, number in contents.items() if number > 1], "a second copy was stored"

    def _check_counters(self, task: Replication, journal: RecordingJournal) -> None:
        told = sum(each.counts["submissions"] for each in self.journals[task.task.id])
        assert task.sequence == told
        outcomes = sum(journal.counts[f"items_{name}"] for name in ("added", "changed", "moved", "known"))
        assert journal.counts["items_seen"] == outcomes + journal.skipped.total() + len(journal.failures)
        assert all(reason is Reason.ITEM_CORRUPT for _, reason, _ in journal.failures)


numbers = st.tuples(*[st.integers(0, 40)] * 3)
changes = st.tuples(st.just("change"), st.sampled_from(CHANGES), numbers)
passes = st.tuples(st.just("pass"), st.integers(0, 1))
resyncs = st.tuples(st.just("resync"), st.integers(0, 1))
steps = st.one_of(
    changes,
    changes,
    changes,
    passes,
    st.tuples(st.just("disturbed"), st.integers(0, 1), st.integers(0, 4), st.integers(1, 8)),
    st.tuples(st.just("busy"), st.integers(0, 1), st.integers(1, 20), st.sampled_from(CHANGES), numbers),
    resyncs,
    resyncs,
)
DEFINITIONS: tuple[tuple[FolderReplicationDefinition, ...], ...] = (
    (FolderReplicationDefinition(),),
    (FolderReplicationDefinition(exclude_deleted_items=True, excluded_folders=("SECRET", "*/secret")),),
    (
        FolderReplicationDefinition(exclude_sent_items=True, exclude_deleted_items=True),
        FolderReplicationDefinition(exclude_inbox=True, excluded_folders=("SECRET", "*/secret")),
    ),
)


def live_through(world: World, history: Sequence[tuple]) -> None:
    """Let a history happen, then see that a last quiet pass of every task makes everything true."""
    for step in history:
        match step:
            case ("change", name, chosen):
                world.change(name, chosen)
            case ("pass", number):
                world.run(number)
            case ("disturbed", number, how, when):
                world.run_disturbed(number, how, when)
            case ("busy", number, when, name, chosen):
                world.run_while_changing(number, when, name, chosen)
            case ("resync", number):
                world.resync(number)
    for number in range(len(world.tasks)):
        world.run(number)
    for number in range(len(world.tasks)):
        world.run(number)


every_definition = pytest.mark.parametrize("definitions", DEFINITIONS, ids=("one", "excluding", "two"))
every_rendering = pytest.mark.parametrize("varying", [False, True], ids=("stable", "varying"))


histories = st.lists(steps, min_size=5, max_size=60)
