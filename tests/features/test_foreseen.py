"""What is foreseen of a replication is what the run then does."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.archive.packs import Packs
from mse_tui.features.calendar_replication import CalendarReplicationDefinition
from mse_tui.features.feature import Stopped
from mse_tui.features.folder_replication import FolderReplicationDefinition, ReplicatedContent
from mse_tui.features.submission import BatchLimits
from mse_tui.home import Home
from mse_tui.reasons import Reason
from mse_tui.store.database import close_database, open_database
from tests.features.calendar_replicating import CalendarRun, PracticeCalendars, opened, practice_server
from tests.features.practice_exchange import Mail, PracticeExchange, PracticeMailbox
from tests.features.replicating import RecordingJournal, Replication, make_task

METADATA = FolderReplicationDefinition(content=ReplicatedContent.METADATA)


@pytest.fixture
def server(store: Home) -> PracticeExchange:
    return PracticeExchange("box")


@pytest.fixture
def replication(store: Home, server: PracticeExchange) -> Replication:
    return Replication(PracticeMailbox(server), Packs(store.archive), make_task())


def folder(server: PracticeExchange, name: str) -> str:
    return next(each.id for each in server.live_folders() if each.name == name)


def fill(server: PracticeExchange, *keys: str, **mail: object) -> list[str]:
    return [server.add_item(folder(server, "Inbox"), Mail(key, **mail)) for key in keys]


def comes_true(replication: Replication | CalendarRun) -> Counter[str]:
    """The counts of a run, which were foreseen; a message that was moved as one added and one removed."""
    foreseen, came = replication.foresee(), replication.run()
    counts = +came.counts
    moved = counts.pop("items_moved", 0)
    counts.update(items_added=moved, items_removed=moved)
    told = (foreseen.counts, came.counts, came.failures)
    if came.failures:  # that an item can't be fetched is not foreseen; one looked at again may fail twice
        failed = {name for name, _, _ in came.failures}
        taken = counts["items_added"] + counts["items_changed"] + len(failed)
        assert foreseen.counts["items_added"] + foreseen.counts["items_changed"] == taken, told
    else:
        assert foreseen.counts["items_added"] == counts["items_added"], told
        assert foreseen.counts["items_changed"] == counts["items_changed"], told
    assert foreseen.counts["items_removed"] == counts["items_removed"], told
    assert foreseen.skipped == came.skipped, told
    return counts


def test_what_a_wider_definition_takes_in_was_skipped_before(
    server: PracticeExchange, replication: Replication
) -> None:
    fill(server, "secret", sensitivity="Private")
    fill(server, "mine", sensitivity="Personal")
    fill(server, "a")
    comes_true(replication)
    assert comes_true(replication)["items_added"] == 0
    replication.definition = FolderReplicationDefinition(skip_private=False)
    assert comes_true(replication)["items_added"] == 2
    assert comes_true(replication)["items_added"] == 0


def test_what_failed_is_tried_again(server: PracticeExchange, replication: Replication) -> None:
    broken, gone = fill(server, "a", "b", poison=True)
    assert len(replication.run().failures) == 2
    server.cure_item(broken)
    server.delete_item(gone)
    assert comes_true(replication)["items_added"] == 1


def test_content_that_is_wanted_now_is_a_change(server: PracticeExchange, replication: Replication) -> None:
    items = fill(server, *"abcdefg")
    replication.definition = METADATA
    comes_true(replication)
    server.edit_item(items[0], Mail("a2"))
    fill(server, "h")
    replication.definition = FolderReplicationDefinition()
    counts = comes_true(replication)
    assert (counts["items_added"], counts["items_changed"]) == (1, 7)
    assert comes_true(replication)["items_changed"] == 0


def test_where_the_server_refuses_the_state_nothing_is_counted_twice(
    server: PracticeExchange, replication: Replication
) -> None:
    first, *_ = fill(server, *"abcdefg")
    replication.run()
    server.delete_item(first)
    fill(server, "h")
    server.refuse_states()
    counts = comes_true(replication)
    assert (counts["items_added"], counts["items_removed"], counts["items_known"]) == (1, 1, 6)


def test_an_interrupted_pass_is_foreseen_from_where_it_goes_on(
    server: PracticeExchange, replication: Replication
) -> None:
    fill(server, *"abcdefghijkl")
    replication.limits = BatchLimits(items=3)
    committed = 0

    def stop() -> None:
        nonlocal committed
        committed += 1
        if committed == 3:
            raise Stopped

    with pytest.raises(Stopped):
        replication.run(RecordingJournal(at_boundary=stop))
    server.delete_item(server.live_items()[0].id)
    assert 0 < comes_true(replication)["items_added"] < 12


def test_a_look_ends_at_the_next_page(server: PracticeExchange, replication: Replication) -> None:
    fill(server, *"abcdefghijklmnop")

    def stop() -> None:
        if server.requests["item_changes"] >= 5:
            raise Stopped

    with pytest.raises(Stopped):
        replication.foresee(RecordingJournal(at_boundary=stop))
    assert server.requests["item_changes"] == 5, "three folders before, two of six pages"


DEFINITIONS = (
    FolderReplicationDefinition(), FolderReplicationDefinition(skip_private=False), METADATA,
)  # fmt: skip
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "private", "poison", "edit", "move", "delete", "read", "flag", "cure", "refuse", "run"]
        ),
        st.integers(0, 99),
    ),
    max_size=25,
)


@given(steps)
def test_after_any_history_what_is_foreseen_comes_true(tmp_path_factory: pytest.TempPathFactory, history) -> None:
    home = Home.open(tmp_path_factory.mktemp("foreseen") / "home")
    open_database(home.database)
    try:
        server = PracticeExchange("box", page_items=100)  # nothing comes on two pages
        replication = Replication(PracticeMailbox(server), Packs(home.archive), make_task())
        for number, (step, choice) in enumerate(history):
            _change(server, step, choice, number)
            if step == "run":
                replication.definition = DEFINITIONS[choice % len(DEFINITIONS)]
                comes_true(replication)
        comes_true(replication)
    finally:
        close_database()


def _change(server: PracticeExchange, step: str, choice: int, number: int) -> None:
    folders = [folder(server, name) for name in ("Inbox", "Sent Items")]
    there = folders[choice % 2]
    if step in ("add", "private", "poison"):
        sensitivity = "Private" if step == "private" else "Normal"
        server.add_item(there, Mail(f"k{number}", subject=f"S{number}", sensitivity=sensitivity,
                                    poison=step == "poison"))  # fmt: skip
    elif step == "refuse":
        server.refuse_states()
    elif items := server.live_items():
        item = items[choice % len(items)]
        match step:
            case "edit":
                server.edit_item(item.id, replace(item.mail, key=f"e{number}", subject=f"E{number}"))
            case "move":
                server.move_item(item.id, there)
            case "delete":
                server.delete_item(item.id)
            case "read":
                server.read_item(item.id, not item.is_read)
            case "flag":
                server.flag_item(item.id, "Flagged", (f"c{number}",))
            case "cure":
                server.cure_item(item.id)


# --- calendars

MIME = (
    b"MIME-Version: 1.0\r\nSubject: Plan\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain\r\n\r\nSee the plan.\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
    b"Content-Disposition: attachment; filename=plan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    b"--b--\r\n"
)
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def test_appointments_that_a_wider_window_or_attachments_take_in(
    store: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with practice_server(tmp_path_factory.mktemp("sandbox")) as server:
        box = PracticeCalendars(server, "foreseen")
        old = box.add("Old", NOON - timedelta(days=40), hours=1)
        box.add("Older", NOON - timedelta(days=400), hours=1)
        kept = box.add("Now", NOON, hours=1)
        box.add("With a plan", NOON, mime=MIME, has_attachments=True)
        with opened(server, box.address) as mailbox:
            task = CalendarRun(mailbox, Packs(store.archive))
            task.definition = CalendarReplicationDefinition(days_back=10, attachments=False)
            assert comes_true(task)["items_added"] == 2
            assert comes_true(task)["items_added"] == 0
            box.delete(kept)
            task.definition = CalendarReplicationDefinition(days_back=60, attachments=True)
            foreseen = task.foresee()
            assert foreseen.skipped == {Reason.OUTSIDE_PERIOD: 1}
            counts = comes_true(task)
            assert (counts["items_added"], counts["items_changed"], counts["items_removed"]) == (1, 1, 1)
            box.change(old, subject="Old, changed")
            assert comes_true(task)["items_changed"] == 1
