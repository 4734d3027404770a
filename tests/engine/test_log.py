"""The engine's log in the site's home: what is written, and how it is read while that goes on."""

import json
import logging
import os
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mse_tui.engine import log_reading
from mse_tui.engine.log_file import FILE_NAME, KEPT, EngineLog
from mse_tui.engine.log_lines import Level, LogFilter, LogLine
from mse_tui.engine.log_reading import LogReader, LogWatcher
from mse_tui.engine.log_subjects import about
from tests.engine.fakes import make_task, tell, until

log = logging.getLogger("mse_tui.engine.tested")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def writing(logs: Path) -> Iterator[EngineLog]:
    """A log of this process at the level of a service, rotated after a few lines."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    handler = EngineLog(logs, file_bytes=2_000)
    handler.start()
    yield handler
    handler.stop()
    root.setLevel(level)


def read(directory: Path, wanted: LogFilter | None = None) -> list[LogLine]:
    reader = LogReader(directory, wanted)
    try:
        return reader.lines(0, reader.look().count)
    finally:
        reader.close()


def test_a_line_has_what_it_is_about_its_reason_and_its_traceback(writing: EngineLog, logs: Path) -> None:
    with about(site="K7Q2", task="Sales", execution=12), about(mailbox="ann@example.com"):
        log.warning("It can't be read", extra={"reason": "item-corrupt"})
        try:
            raise ZeroDivisionError("on purpose")
        except ZeroDivisionError:
            log.exception("It failed inside")
    log.info("about nothing")
    first, second, third = read(logs)
    assert (first.level, first.logger, first.message) == (Level.WARNING, log.name, "It can't be read")
    assert (first.site, first.task, first.execution, first.mailbox) == ("K7Q2", "Sales", 12, "ann@example.com")
    assert first.reason == "item-corrupt"
    assert abs(first.moment - datetime.now(UTC)) < timedelta(seconds=10)
    assert second.trace.splitlines()[-1] == "ZeroDivisionError: on purpose"
    assert (third.task, third.execution, third.mailbox) == ("", 0, "")


def test_threads_of_a_turn_that_run_in_its_context_are_about_the_same(writing: EngineLog, logs: Path) -> None:
    with about(task="Sales"):
        threads = [
            Thread(target=copy_context().run, args=(log.info, "inside")),
            Thread(target=log.info, args=("another's",)),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    assert [line.task for line in read(logs)] == ["Sales", ""]


def test_the_screens_faults_are_not_the_engines(writing: EngineLog, logs: Path) -> None:
    logging.getLogger("mse_tui.screens.live").error("a fault of the screens")
    logging.getLogger("mse_tui.app").error("another")
    log.error("the engine's")
    assert [line.message for line in read(logs)] == ["the engine's"]


def test_the_files_are_private_few_and_small(writing: EngineLog, logs: Path) -> None:
    for number in range(300):
        log.info("line %d of what the engine has to say about a mailbox", number)
    files = sorted(path.name for path in logs.iterdir())
    assert files == sorted([FILE_NAME, *(f"{FILE_NAME}.{number}" for number in range(1, KEPT + 1))])
    assert all(path.stat().st_size <= 2_000 for path in logs.iterdir())
    assert logs.stat().st_mode & 0o777 == 0o700
    messages = [line.message.split()[1] for line in read(logs)]
    assert messages == [str(number) for number in range(300 - len(messages), 300)]


def test_nothing_in_the_file_can_drive_a_terminal(writing: EngineLog, logs: Path) -> None:
    log.info("folder \x1b[2J\nforged \u202e line")
    text = (logs / FILE_NAME).read_bytes()
    assert text.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in text.rstrip(b"\n"))
    assert read(logs)[0].message == "folder \x1b[2J\nforged \u202e line"


def test_what_can_not_be_written_stops_nobody(writing: EngineLog, logs: Path) -> None:
    log.info("first")
    writing.close()
    writing.baseFilename = "/dev/full"
    log.info("the disk is full")
    writing.baseFilename = str(logs / FILE_NAME)
    writing.close()
    log.info("second")
    assert [line.message for line in read(logs)] == ["first", "second"]


def test_a_line_that_a_crash_cut_off_stands_alone(writing: EngineLog, logs: Path) -> None:
    log.info("first")
    writing.close()
    with (logs / FILE_NAME).open("ab") as file:
        file.write(b'{"moment": "2026-')
    log.info("second")
    first, torn, second = read(logs)
    assert (first.message, second.message) == ("first", "second")
    assert torn.level is Level.ERROR
    assert "2026-" in torn.message


def test_another_process_may_rotate_the_file(writing: EngineLog, logs: Path) -> None:
    log.info("before")
    (logs / FILE_NAME).rename(logs / f"{FILE_NAME}.1")
    log.info("after")
    assert [line.message for line in read(logs)] == ["before", "after"]
    assert "after" in (logs / FILE_NAME).read_text()


def test_reading_goes_on_over_rotations_without_losing_a_line(writing: EngineLog, logs: Path) -> None:
    reader, seen = LogReader(logs), []
    for number in range(400):
        log.info("line %d", number)
        if number % 7 == 0:
            before = len(seen)
            looked = reader.look()
            offset = looked.count - (number + 1 - before)
            seen += [line.message for line in reader.lines(offset, looked.count)]
    assert seen == [f"line {number}" for number in range(len(seen))]
    assert len(seen) > 390
    reader.close()


def test_what_has_been_rotated_away_is_said(writing: EngineLog, logs: Path) -> None:
    reader, count, dropped = LogReader(logs), 0, 0
    for number in range(200):
        log.info("line %d", number)
        looked = reader.look()
        count, dropped = looked.count, dropped + looked.dropped
    assert dropped > 0
    assert count + dropped == 200
    assert reader.lines(0, 1)[0].message == f"line {dropped}"
    reader.close()


def test_letting_go_waits_for_no_look_and_ends_it(
    writing: EngineLog, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        log.info("line %d", number)
    monkeypatch.setattr(log_reading, "_CHUNK", 300)
    entered, go_on, looked_at = Event(), Event(), []

    class Wanted(LogFilter):
        def admits(self, line: LogLine) -> bool:
            looked_at.append(line)
            entered.set()
            return go_on.wait(10)

    reader = LogReader(logs, Wanted(text="line"))
    looking = Thread(target=reader.look)
    looking.start()
    assert entered.wait(10)
    reader.close()
    assert looking.is_alive()
    go_on.set()
    looking.join(10)
    assert len(looked_at) < 10
    assert (reader.look().count, reader.lines(0, 10), reader._parts) == (0, [], [])


def test_there_may_be_no_log_yet(logs: Path) -> None:
    reader = LogReader(logs)
    assert reader.look().count == 0
    assert reader.lines(0, 10) == []
    reader.close()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LogFilter(), [0, 1, 2, 3]),
        (LogFilter(level=Level.WARNING), [1, 3]),
        (LogFilter(task="SALES"), [0, 1]),
        (LogFilter(task="Sale"), []),
        (LogFilter(mailbox="bo"), [1]),
        (LogFilter(execution=2), [1]),
        (LogFilter(text="TIMEOUT"), [1, 3]),
        (LogFilter(level=Level.ERROR, text="timeout"), [3]),
    ],
)
def test_lines_are_filtered(writing: EngineLog, logs: Path, wanted: LogFilter, expected: list[int]) -> None:
    log.info("0 begins", extra={"task": "Sales", "execution": 1})
    log.warning("1 waits", extra={"task": "Sales", "execution": 2, "mailbox": "bo@example.com", "reason": "timeout"})
    log.info("2 ends", extra={"task": "Sales and service", "mailbox": "ann@example.com"})
    log.error("3 gave up after a timeout")
    assert [int(line.message[0]) for line in read(logs, wanted)] == expected


@given(
    st.builds(
        LogLine,
        moment=st.datetimes(timezones=st.just(UTC)),
        level=st.sampled_from(Level),
        logger=st.text(),
        message=st.text(),
        task=st.text(),
        execution=st.integers(0, 1 << 40),
        trace=st.text(),
    )
)
def test_a_line_comes_back_as_it_was_written(line: LogLine) -> None:
    text = line.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert LogLine.from_json(text.encode()) == line


@pytest.mark.parametrize("text", [b"", b"nonsense", b"[]", b"{}", b'{"moment": "x", "level": "info"}', b"\xff\xfe"])
def test_what_is_no_line_is_shown_as_one(text: bytes) -> None:
    assert LogLine.from_json(text).level is Level.ERROR


def test_growth_and_rotation_are_noticed(writing: EngineLog, logs: Path) -> None:
    told = Event()
    watcher = LogWatcher(logs, told.set)
    watcher.start()
    try:
        for message in ("first", "second"):
            log.info(message)
            assert told.wait(5)
            told.clear()
        os.replace(logs / FILE_NAME, logs / f"{FILE_NAME}.1")  # noqa: PTH105
        assert told.wait(5)
    finally:
        watcher.stop()


def test_an_engine_logs_its_start_its_tasks_and_its_end(bench, caplog) -> None:
    caplog.set_level(logging.INFO)
    task = make_task(bench.site, bench.schedule, bench.definition)
    bench.feature._process = lambda run: logging.getLogger("mse_tui.exchange.retry").warning("waiting 30 s")
    with bench.engine():
        tell(task, "run now")
        until(lambda: any(line.message.startswith("Task ended") for line in read(bench.home.logs)))
    lines = read(bench.home.logs)
    assert "started" in lines[0].message
    assert lines[-1].message == "Engine stopped"
    [waits] = [line for line in lines if line.message == "waiting 30 s"]
    assert (waits.task, waits.mailbox, waits.execution > 0) == ("Replicate", "anna@example.com", True)
    text = json.loads((bench.home.logs / FILE_NAME).read_text().splitlines()[0])
    assert text["level"] == "info"
