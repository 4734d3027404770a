"""The screens in a real terminal, beside a plain Textual program with a stock DataTable of the same tasks.

python -m tests.benchmarks.terminal: 1,000 tasks, 100,000 executions. Prints how long it takes to the first frame and to
the data, what idling costs, and how many bytes go to the terminal for each key, while a task runs and while a log is
followed. Asserts nothing, because times depend on the machine; the limits are in docs/ARCHITECTURE.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from mse_tui.engine.journal import WRITE_SECONDS
from mse_tui.engine.log_lines import Level
from mse_tui.home import Home
from mse_tui.store.database import close_database, now, open_database, writing
from mse_tui.store.models import Execution, Lease, MailboxResult, Progress, Task
from tests.engine.fakes import make_definition, make_schedule, make_site, make_task
from tests.screens.log_seed import log_line, write_lines
from tests.support.terminal import PROGRAM, Terminal

PLAIN = """
import sqlite3, sys
from textual.app import App
from textual.widgets import DataTable

class Plain(App):
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("Task", "Type", "Status", "Result", "Next execution", "Detail")
        rows = sqlite3.connect(sys.argv[1]).execute(
            "SELECT description, type, status, light, next_execution, latest_detail FROM task ORDER BY description")
        table.add_rows([[str(value) for value in row] for row in rows])

Plain().run()
"""
DOWN, PAGE_DOWN, END = b"j", b"\x1b[6~", b"G"
PLAIN_DOWN = b"\x1b[B"


def seed(home: Home, tasks: int, executions: int) -> Task:
    """So many tasks, one of them with a history; its newest execution is under way."""
    site, schedule, definition = make_site(), make_schedule(), make_definition()
    moment = now()
    with writing():
        first = make_task(site, schedule, definition, description="Task 0000", status="Running", last_started=moment)
        rows = [
            {
                "description": f"Task {number:04}", "site": site, "type": "MFR", "definition": definition,
                "schedule": schedule, "group": f"group{number}@example.com", "created": moment, "created_by": "ann",
                "modified": moment, "modified_by": "ann", "light": "green" if number % 50 else "orange",
                "status": "Scheduled", "next_execution": moment + timedelta(hours=1, seconds=number),
                "latest_detail": "Last execution: success",
            }
            for number in range(1, tasks)
        ]  # fmt: skip
        for start in range(0, len(rows), 500):
            Task.insert_many(rows[start : start + 500]).execute()
        history = [
            {
                "task": first, "trigger": "schedule", "started": moment - timedelta(minutes=executions - number),
                "finished": moment - timedelta(minutes=executions - number, seconds=-40), "definition": "{}",
                "mailboxes": 40, "processed": 40, "light": "green" if number % 9 else "orange",
                "reason": "" if number % 9 else "item-corrupt", "message": f"40 mailboxes: 40 success. {number}",
            }
            for number in range(executions)
        ]  # fmt: skip
        for start in range(0, len(history), 500):
            Execution.insert_many(history[start : start + 500]).execute()
        run = Execution.create(task=first, trigger="run now", started=moment, definition="{}", mailboxes=40)
        MailboxResult.create(execution=run, position=1, address="ann@example.com", started=moment, mode="full")
        Progress.create(
            task=first, execution=run.id, address="ann@example.com", position=1, total=40, phase="items",
            folder="Inbox", expected=100_000, mailbox_started=moment, updated=moment,
        )  # fmt: skip
        for key in (f"engine:{site.code}", f"task:{first.id}"):
            Lease.create(key=key, owner="bench", holder="bench", fence=1, until=moment + timedelta(hours=6))
    write_lines(home, [log_line(0, Level.INFO, f"line {number}", task="Task 0000") for number in range(100_000)])
    return first


def screens(home: Home) -> Terminal:
    return Terminal(PROGRAM, [str(home.path), str(home.path / "stopped")])


def plain(home: Home) -> Terminal:
    return Terminal(PLAIN, [str(home.database)])


def paint_time(start: Callable[[], Terminal], landmark: bytes, times: int) -> tuple[float, float]:
    """(seconds, seconds of CPU) from the start until the landmark is seen: the best, as others use the machine too."""
    taken = []
    for _ in range(times):
        terminal = start()
        terminal.read_until(landmark)
        passed = time.monotonic() - terminal.started
        taken.append((passed, sum(psutil.Process(terminal.process.pid).cpu_times()[:2])))
        terminal.close()
    return min(passed for passed, _ in taken), min(cpu for _, cpu in taken)


def costs(terminal: Terminal, seconds: float, work: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """(bytes a second, share of a core) while `work` is done again and again, or nothing is."""
    process = psutil.Process(terminal.process.pid)
    terminal.read_until_quiet(1.0)
    cpu, began, octets = sum(process.cpu_times()[:2]), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        work()
        octets += len(terminal.read(WRITE_SECONDS))
    passed = time.monotonic() - began
    return octets / passed, (sum(process.cpu_times()[:2]) - cpu) / passed


def key_costs(terminal: Terminal, key: bytes, times: int) -> tuple[float, float]:
    """(bytes, milliseconds to the first of them) of a key: medians."""
    octets, waits = [], []
    for _ in range(times):
        terminal.press(key)
        began = time.monotonic()
        found = terminal.read_until(b"\x1b", 5)
        waits.append(1000 * (time.monotonic() - began))
        octets.append(len(found + terminal.read_until_quiet(0.1)))
    return median(octets), median(waits)


class Work:
    """What an engine elsewhere writes while it takes items from a mailbox."""

    def __init__(self, home: Home, task: Task) -> None:
        self._home, self._task, self._items = home, task, 0

    def write_progress(self) -> None:
        self._items += 137
        paces = json.dumps([100 + (self._items * step) % 71 for step in range(40)])
        values = {"items": self._items, "bytes": self._items * 30_000, "paces": paces, "updated": now()}
        Progress.update(folder=f"Inbox/Project {self._items % 7}", **values).where(
            Progress.task == self._task
        ).execute()

    def write_log(self) -> None:
        write_lines(self._home, [log_line(0, Level.INFO, f"live {self._items + n}") for n in range(5)])
        self._items += 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="mse-tui-bench-") as work:
        home = Home.open(Path(work) / "home")
        open_database(home.database)
        task = seed(home, given.tasks, given.executions)
        print(f"{given.tasks} tasks, {given.executions} executions; the best of {given.times} starts, medians of keys")
        _, baseline = paint_time(lambda: plain(home), b"Task 0010", given.times)
        for landmark in ("1 Dash", "Recent activity"):
            wall, cpu = paint_time(lambda: screens(home), landmark.encode(), given.times)
            print(f"start to {landmark!r}: {wall:.2f} s, {cpu:.2f} s of CPU, {cpu / baseline:.2f} x plain Textual's")
        Progress.delete().execute()
        Task.update(status="Scheduled").where(Task.id == task.id).execute()
        _idle_and_keys(home, given.seconds)
        Task.update(status="Running").where(Task.id == task.id).execute()
        _live(home, task, given.seconds)
        close_database()


def _idle_and_keys(home: Home, seconds: float) -> None:
    terminal = screens(home)
    terminal.read_until(b"Recent activity")
    octets, share = costs(terminal, seconds)
    print(f"idle: {octets:.0f} bytes/s, {share:.2%} of a core")
    beside = plain(home)
    beside.read_until(b"Task 0010")
    beside.read_until_quiet(1.0)
    stock, _ = key_costs(beside, PLAIN_DOWN, 15)
    stock_page, _ = key_costs(beside, PAGE_DOWN, 15)
    beside.close()
    for place, name in ((b"2", "tasks"), (b"4", "summary log"), (b"L", "engine's log")):
        terminal.press(place)
        terminal.read_until_quiet(2.0)
        terminal.press(b"g")
        terminal.read_until_quiet(0.5)
        down, _ = key_costs(terminal, DOWN, 13)
        page, wait = key_costs(terminal, PAGE_DOWN, 15)
        _, end = key_costs(terminal, END, 1)
        print(
            f"{name}: {down:.0f} bytes for down ({down / stock:.2f} x DataTable), {page:.0f} for a page"
            f" ({page / stock_page:.2f} x) after {wait:.0f} ms, to the end after {end:.0f} ms"
        )
    terminal.close()


def _live(home: Home, task: Task, seconds: float) -> None:
    run = Execution.select().where(Execution.task == task, Execution.finished.is_null()).first()
    Progress.create(
        task=task, execution=run.id, address="ann@example.com", position=1, total=40, phase="items", folder="Inbox",
        expected=100_000, mailbox_started=now(), updated=now(),
    )  # fmt: skip
    writes = Work(home, task)
    terminal = screens(home)
    terminal.read_until(b"Recent activity")
    for keys, name, write in (
        (b"1", "dashboard, a task runs", writes.write_progress),
        (b"2\r", "task information, it runs", writes.write_progress),
        (b"L", "engine's log, followed at 20 lines a second", writes.write_log),
    ):
        for key in keys:
            terminal.press(bytes([key]))
            terminal.read_until_quiet(1.0)
        octets, share = costs(terminal, seconds, write)
        print(f"{name}: {octets / 1000:.1f} kB/s, {share:.1%} of a core")
    terminal.close()


if __name__ == "__main__":
    main()
