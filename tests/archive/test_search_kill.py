"""Indexing is killed wherever it is: nothing is missing afterwards, and nothing is there twice."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import open_index
from mse_tui.archive.search_query import parse
from mse_tui.home import Home
from mse_tui.store.database import close_database, now, open_database, writing
from mse_tui.store.models import Message
from tests.archive.conftest import ArchivedMailbox, sha
from tests.conftest import REPOSITORY

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
MESSAGES = 400
CHILD = """
import sys
from datetime import timedelta
from pathlib import Path
from mse_tui.archive import indexing
from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.store.database import now, open_database

indexing._AT_A_TIME = 25
home = Home.open(Path(sys.argv[1]))
open_database(home.database)
print("begins", flush=True)
if sys.argv[2] == "expunge":
    later = lambda: now() + timedelta(days=2)
    Indexing(Packs(home.archive), home.search_index, clock=later).expunge()
else:
    Indexing(Packs(home.archive), home.search_index).run()
print("ended", flush=True)
"""


def mime(number: int) -> bytes:
    return f"Subject: Message {number}\r\n\r\nevery number{number} {'filler ' * 100} z{number}tail\r\n".encode()


@pytest.fixture
def filled(store: Home, packs: Packs, keep) -> Home:
    contents = [mime(number) for number in range(MESSAGES)]
    keep(*contents, messages=False)
    box = ArchivedMailbox()
    with writing():
        for content in contents:
            box.place(box.root, Message.create(sha256=sha(content), size=len(content)))
    return store


def run_child(home: Home, what: str, kill_after: float) -> bool:
    """Index, or expunge, in a process of its own, killed so many seconds after it has begun; whether it ended."""
    close_database()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home.path), what],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "begins\n"
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
        ended = child.stdout.read() == "ended\n"
    open_database(home.database)
    return ended


@pytest.mark.slow
def test_a_killed_round_leaves_nothing_out_and_nothing_twice(filled: Home, packs: Packs) -> None:
    chance = random.Random(7)
    for _ in range(12):
        if run_child(filled, "index", chance.uniform(0.0, 0.25)):
            break
        check(filled, complete=False)
    Indexing(packs, filled.search_index).run()
    check(filled, complete=True)


@pytest.mark.slow
def test_overwriting_words_is_killed_and_goes_on(filled: Home, packs: Packs) -> None:
    Indexing(packs, filled.search_index).run()
    with writing():
        for number in range(101, 201):
            bury(Buried(number, None, "test", BEGAN, BEGAN))
    Indexing(packs, filled.search_index).run(above=0)
    chance = random.Random(8)
    for _ in range(8):
        if run_child(filled, "expunge", chance.uniform(0.0, 0.1)):
            break
        with open_index(filled.search_index) as index:
            assert len(index.matches(parse("every"), 1 << 62, 10 * MESSAGES)) == MESSAGES - 100
    later = now() + timedelta(days=2)
    Indexing(packs, filled.search_index, clock=lambda: later).expunge()
    with open_index(filled.search_index) as index:
        assert index.words_left() == 0
        assert len(index.matches(parse("every"), 1 << 62, 10 * MESSAGES)) == index.count() == MESSAGES - 100
    raw = filled.search_index.read_bytes()
    assert not any(f"{number}tail".encode() in raw for number in range(100, 200))


def check(home: Home, *, complete: bool) -> None:
    with open_index(home.search_index) as index:
        every = [match.number for match in index.matches(parse("every"), 1 << 62, 10 * MESSAGES)]
        assert len(every) == len(set(every)) == index.count()
        assert sorted(every) == list(range(1, len(every) + 1)), "without a gap"
        for number in range(0, len(every), 7):
            assert len(index.matches(parse(f"number{number}"), 1 << 62, 10)) == 1
        assert len(every) == MESSAGES or not complete
