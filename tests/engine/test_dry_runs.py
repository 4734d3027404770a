"""What a dry run counts is told as what would be done, wherever counters are shown."""

from mse_tui.features import FEATURES
from mse_tui.features.feature import WOULD, as_told
from mse_tui.store.models import MailboxResult
from mse_tui.terms import TaskType, Verb
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
    for task_type in (TaskType.STORAGE_MANAGEMENT, TaskType.MANAGED_FOLDERS, TaskType.PERMISSIONS_SYNC):
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
