"""A failed run never looks like success anywhere: exit code, light, metric, log, mail and report agree."""

import csv
import html
import io
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.cli.main import run
from mse_tui.monitoring.metrics import SiteMetrics
from mse_tui.monitoring.notices import Notice, Notices
from mse_tui.monitoring.report import write_csv, write_html
from mse_tui.reasons import Problem, Reason
from mse_tui.store import queries
from mse_tui.store.models import Execution, Message
from mse_tui.terms import Light, Verb
from tests.engine.conftest import Bench
from tests.engine.fakes import FakeFeature, make_task, tell, until

ANNA, BERTA = "anna@example.com", "berta@example.com"


@dataclass
class Case:
    """What happens in an execution, and what must be told of it everywhere."""

    happens: Callable[[Bench], None]
    light: Light
    reason: str = ""
    succeeds: bool = False


LEVELS = {Light.NONE: "INFO", Light.GREEN: "INFO", Light.ORANGE: "WARNING", Light.RED: "ERROR"}
"""How loud the engine's log says what came out."""


def _ends(record: logging.LogRecord, address: str) -> bool:
    return record.message.startswith("Mailbox done") and record.__dict__.get("mailbox") == address


def nothing(_: Bench) -> None:
    """All is well."""


def one_item_fails(bench: Bench) -> None:
    bench.feature._process = lambda run: run.journal.fail("Inbox/7", Reason.ITEM_CORRUPT, "It can't be read.")


def one_mailbox_fails(bench: Bench) -> None:
    bench.exchange.problems["identity", BERTA] = Problem(Reason.MAILBOX_MOVING, "It is being moved.")


def one_mailbox_is_skipped(bench: Bench) -> None:
    bench.exchange.problems["identity", BERTA] = Problem(Reason.MAILBOX_DISABLED, "The account is disabled.")


def the_group_cannot_be_resolved(bench: Bench) -> None:
    bench.exchange.problems["resolve", "*"] = Problem(Reason.SERVER_UNREACHABLE, "Nobody answers.")


def the_password_is_refused(bench: Bench) -> None:
    bench.exchange.problems["identity", "*"] = Problem(Reason.PASSWORD_REFUSED, "The password was refused.")


def the_feature_breaks(bench: Bench) -> None:
    def work(_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    bench.feature._process = work


CASES = {
    "all well": Case(nothing, Light.GREEN, succeeds=True),
    "an expected skip": Case(one_mailbox_is_skipped, Light.GREEN, succeeds=True),
    "an item failed": Case(one_item_fails, Light.ORANGE, "item-corrupt"),
    "a mailbox failed": Case(one_mailbox_fails, Light.RED, "mailbox-moving"),
    "no group": Case(the_group_cannot_be_resolved, Light.RED, "server-unreachable"),
    "password refused": Case(the_password_is_refused, Light.RED, "password-refused"),
    "a fault of ours": Case(the_feature_breaks, Light.RED, "internal-error"),
}


class Told:
    """A channel that keeps what it was told."""

    name = "test"
    pause = timedelta()

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)


def metric(text: str, name: str, **labels: str) -> float | None:
    """One sample's value."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    for line in text.splitlines():
        if re.match(rf"{name}[{{ ]", line) and all(one in line for one in wanted):
            return float(line.rsplit(" ", 1)[1])
    return None


def scrape(search_index: Path | None = None) -> str:
    registry = CollectorRegistry()
    registry.register(SiteMetrics(search_index))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("name", CASES)
def test_every_voice_says_the_same(
    bench: Bench, name: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    case = CASES[name]
    task = make_task(bench.site, bench.schedule, bench.definition, group=f"{ANNA}; {BERTA}", description="Replicate")
    case.happens(bench)
    with caplog.at_level("INFO"), bench.engine():
        tell(task, Verb.RUN)
        until(lambda: Execution.select().where(Execution.finished.is_null(False)).exists())
        until(lambda: queries.task(task.id).status.value == "Scheduled")
        (execution,) = queries.executions_of(task.id, 0, 1)
        assert (execution.light, execution.reason) == (case.light, case.reason)

        text = scrape()
        assert metric(text, "mse_tui_task_light", task="Replicate") == case.light.exit_code
        success = metric(text, "mse_tui_task_last_success_timestamp_seconds", task="Replicate")
        assert (success is not None) is case.succeeds
        if case.reason:
            assert metric(text, "mse_tui_troubles", reason=case.reason, light=case.light.value) == 1

        channel = Told()
        notices = Notices(queries.sites()[0], [channel])
        notices.look()
        if case.succeeds:
            assert channel.notices == []
        else:
            (notice,) = channel.notices
            assert notice.light is case.light
            assert case.reason in notice.text
            assert case.light.word in notice.subject

    home = ["--home", str(bench.home.path)]
    assert run([*home, "log", "--execution", str(execution.id)]) == case.light.exit_code
    assert run([*home, "check", "Replicate"]) == case.light.exit_code
    assert case.reason in capsys.readouterr().out
    ended = [record for record in caplog.records if record.message.startswith("Task ended")]
    assert case.light.word in ended[0].message
    assert ended[0].levelname == LEVELS[case.light]
    for result in queries.mailbox_results(execution.id):
        (told,) = [one for one in caplog.records if _ends(one, result.address)]
        assert told.levelname == LEVELS[result.light]
    detail = queries.execution_detail(execution.id)
    assert detail is not None
    page, table = io.StringIO(), io.StringIO()
    write_html(detail, page)
    write_csv(detail, table)
    assert f": {case.light.word}," in page.getvalue()
    assert case.reason in page.getvalue()
    own, *mailboxes = list(csv.DictReader(table.getvalue().splitlines()))
    assert (own["no."], own["result"], own["reason"]) == ("", case.light.word, execution.reason)
    assert own["message"] == execution.message
    assert html.escape(execution.message) in page.getvalue()
    assert [row["mailbox"] for row in mailboxes] == [one.address for one in queries.mailbox_results(execution.id)]
    if name == "an expected skip":
        assert [row["result"] for row in mailboxes] == ["success", "skipped"]


def test_what_a_removed_task_did_can_be_read_and_is_no_trouble(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    task = make_task(bench.site, bench.schedule, bench.definition, group=f"{ANNA}; {BERTA}", description="Replicate")
    one_mailbox_fails(bench)
    with bench.engine():
        tell(task, Verb.RUN)
        until(lambda: queries.task(task.id).status.value == "Scheduled")
        tell(task, Verb.REMOVE, '{"keep_history": false}')
        until(lambda: queries.task(task.id) is None)
        (execution,) = queries.executions_of(None)
        home = ["--home", str(bench.home.path)]
        for asked in (("log",), ("log", "Replicate"), ("log", "--execution", str(execution.id)),
                      ("report", str(execution.id))):  # fmt: skip
            assert run([*home, *asked]) == (2 if "--execution" in asked else 0)
            assert "Replicate (removed)" in capsys.readouterr().out
        assert metric(scrape(), "mse_tui_troubles") is None
        assert metric(scrape(), "mse_tui_task_light") is None
        run([*home, "check"])
        assert "troubles=0" in capsys.readouterr().out


def test_what_is_solved_is_told_once(bench: Bench) -> None:
    task = make_task(bench.site, bench.schedule, bench.definition, group=f"{ANNA}; {BERTA}", description="Replicate")
    channel = Told()
    one_mailbox_fails(bench)
    with bench.engine():
        notices = Notices(queries.sites()[0], [channel])
        for expected in (1, 2, 3):
            if expected == 3:
                bench.exchange.problems.clear()
            tell(task, Verb.RUN)
            until(lambda wanted=expected: Execution.select().where(Execution.finished.is_null(False)).count() == wanted)
            until(lambda: queries.task(task.id).status.value == "Scheduled")
            notices.look()
            notices.look()
    assert [(len(one.new), len(one.solved), one.light) for one in channel.notices] == [
        (1, 0, Light.RED), (0, 1, Light.GREEN),
    ]  # fmt: skip


def test_a_mailbox_that_only_waits_for_an_approval_is_not_stale(bench: Bench) -> None:
    bench.feature = FakeFeature(lambda run: run.journal.warn(Reason.APPROVAL_MISSING, "All was done but a purge."))
    task = make_task(bench.site, bench.schedule, bench.definition, group=ANNA, description="Retain")
    with bench.engine():
        for expected in (1, 2, 3):
            tell(task, Verb.RUN)
            until(lambda wanted=expected: Execution.select().where(Execution.finished.is_null(False)).count() == wanted)
            until(lambda: queries.task(task.id).status.value == "Scheduled")
        (one,) = queries.mailbox_health()
        assert (one.light, one.since_success, one.last_success) == (Light.ORANGE, 0, one.finished)
        assert [trouble.reason for trouble in queries.troubles()] == ["approval-missing"]


def test_a_mailbox_that_fails_again_and_again_is_an_alarm_of_its_own(bench: Bench) -> None:
    task = make_task(bench.site, bench.schedule, bench.definition, group=f"{ANNA}; {BERTA}", description="Replicate")
    one_mailbox_fails(bench)
    with bench.engine():
        for expected in (1, 2, 3):
            tell(task, Verb.RUN)
            until(lambda wanted=expected: Execution.select().where(Execution.finished.is_null(False)).count() == wanted)
            until(lambda: queries.task(task.id).status.value == "Scheduled")
        assert [(one.address, one.since_success) for one in queries.stale_mailboxes()] == [(BERTA, 3)]
        assert "mailbox-stale" in [one.reason for one in queries.troubles()]
        bench.exchange.problems.clear()
        tell(task, Verb.RUN)
        until(lambda: Execution.select().where(Execution.finished.is_null(False)).count() == 4)
        assert queries.stale_mailboxes() == []


def test_metrics_say_how_far_the_search_index_is(bench: Bench) -> None:
    path = bench.home.search_index
    Message.create(size=1, subject="One")
    Indexing(Packs(bench.home.archive), path).run()
    Message.create(size=1, subject="Two")
    text = scrape(path)
    assert metric(text, "mse_tui_search_index_messages") == metric(text, "mse_tui_search_index_waiting") == 1
    path.write_bytes(b"garbage" * 1000)
    assert metric(scrape(path), "mse_tui_search_index_messages") is None
    assert metric(scrape(path), "mse_tui_engine_up") == 0
