"""What a dry run counts is told as what would be done, wherever counters are shown."""

import pytest

from mse_tui.engine.journal import LISTED, Outcome
from mse_tui.engine.summing_up import done_said, summed_up
from mse_tui.features import FEATURES
from mse_tui.features.feature import WOULD, as_told
from mse_tui.reasons import Reason
from mse_tui.store import queries
from mse_tui.store.models import MailboxResult
from mse_tui.terms import Light, TaskType, Verb
from mse_tui.widgets.counters import counters_said
from tests.engine.conftest import Bench
from tests.engine.fakes import FakeFeature, make_task, tell, until

DONE = {"scanned": 90, "stubbed": 74, "bytes_freed": 2_621_440}


def said(task_type: TaskType, counters: dict[str, int]) -> dict[str, str]:
    return dict(counters_said(task_type, as_told(counters)))


def test_nothing_that_a_dry_run_counts_is_said_to_be_done() -> None:
    assert said(TaskType.STORAGE_MANAGEMENT, {"dry_run": 1, **DONE}) == {
        "Dry run: nothing was changed": "1",
        "Items looked at": "90",
        "Items that would be stubbed": "74",
        "Bytes that would be freed at least": "2.5 MiB",
    }
    assert said(TaskType.MANAGED_FOLDERS, {"dry_run": 1, "items_deleted": 69})["Messages that would be deleted"] == "69"
    assert said(TaskType.PERMISSIONS_SYNC, {"dry_run": 1, "revoked": 2})["Grants that would be revoked"] == "2"


def test_what_was_done_is_said_to_be_done() -> None:
    assert said(TaskType.STORAGE_MANAGEMENT, DONE)["Items stubbed"] == "74"


def test_everything_that_a_dry_run_may_count_has_a_name() -> None:
    for task_type in FEATURES:
        named = FEATURES[task_type].counters
        assert {WOULD[name] for name in named if name in WOULD} <= named.keys()


def test_the_result_of_a_dry_run_is_kept_as_what_would_be(bench: Bench) -> None:
    def pretend(run) -> None:
        for counter, number in {"dry_run": 1, **DONE}.items():
            run.journal.count(counter, number)

    bench.feature = FakeFeature(pretend)
    task = make_task(bench.site, bench.schedule, bench.definition, group="anna@example.com", description="Stub")
    with bench.engine():
        tell(task, Verb.RUN)
        until(lambda: MailboxResult.select().where(MailboxResult.finished.is_null(False)).exists())
    counters = MailboxResult.get().counters
    assert '"would_be_stubbed": 74' in counters and '"bytes_would_be_freed": 2621440' in counters
    assert '"stubbed"' not in counters


@pytest.mark.parametrize(
    ("counters", "said_of_it"),
    [
        ({"items_added": 1200, "items_changed": 6, "bytes": 2048}, "1,200 added, 6 changed, 2.0 KiB taken in."),
        ({"items_deleted": 125, "bytes_freed": 2_621_440}, "125 deleted, 2.5 MiB freed."),
        ({"dry_run": 1, **DONE}, "Dry run: 74 would be stubbed, 2.5 MiB freed."),
        ({"dry_run": 2, "folders_created": 2}, "Dry run: 2 folders would be created."),
        ({"dry_run": 1, "scanned": 9}, "Dry run: nothing would be done."),
        ({"granted": 3, "revoked": 1}, "3 granted, 1 revoked."),
        ({"items_seen": 7, "items_known": 7}, ""),
    ],
)
def test_what_an_execution_did_is_one_sentence(counters: dict[str, int], said_of_it: str) -> None:
    assert done_said(as_told(counters)) == said_of_it


def test_a_look_says_what_would_be_done() -> None:
    looked = as_told({"items_seen": 9, "items_added": 7, "bytes": 2048}, looking=True)
    assert done_said(looked, looking=True) == "7 would be added, 2.0 KiB taken in."
    assert dict(counters_said(TaskType.FOLDER_REPLICATION, looked))["Items that would be added"] == "7"


def test_what_was_done_comes_before_the_count_of_mailboxes_unless_something_needs_attention() -> None:
    green, red = Outcome(Light.GREEN), Outcome(Light.RED, "mailbox-moving", "It is being moved.")
    assert summed_up([green], green, done="125 deleted.").message == "125 deleted. 1 mailbox: 1 success."
    assert summed_up([red], green, done="125 deleted.").message.endswith("It is being moved. 125 deleted.")


def test_the_log_tells_a_dry_run_from_a_real_one(bench: Bench) -> None:
    dry = {"dry_run": 1}

    def act(run) -> None:
        for counter, number in {**dry, **DONE}.items():
            run.journal.count(counter, number)

    bench.feature = FakeFeature(act)
    task = make_task(bench.site, bench.schedule, bench.definition, group="anna@example.com", description="Stub")

    def ended(number: int) -> str:
        tell(task, Verb.RUN)
        rows = until(lambda: [one for one in bench.executions(task) if one.finished][number - 1 :])
        return rows[-1].message

    with bench.engine():
        assert ended(1) == "Dry run: 74 would be stubbed, 2.5 MiB freed. 1 mailbox: 1 success."
        dry.clear()
        assert ended(2) == "74 stubbed, 2.5 MiB freed. 1 mailbox: 1 success."


def test_the_first_items_that_would_change_are_kept_apart_from_those_that_failed(bench: Bench) -> None:
    def pretend(run) -> None:
        for number in range(LISTED + 5):
            run.journal.would(f"Inbox: {number}", "Would be deleted.")
        run.journal.fail("Inbox: broken", Reason.ITEM_CORRUPT, "It could not be read.")

    bench.feature = FakeFeature(pretend)
    task = make_task(bench.site, bench.schedule, bench.definition, group="anna@example.com", description="Stub")
    with bench.engine():
        tell(task, Verb.RUN)
        until(lambda: [one for one in bench.executions(task) if one.finished])
    (row,) = queries.mailbox_results(bench.executions(task)[0].id, 0, 9)
    assert [one.item for one in row.failures] == ["Inbox: broken"]
    assert [one.item for one in row.would_change] == [f"Inbox: {number}" for number in range(LISTED)]
    assert row.counters == {"failed": 1}
