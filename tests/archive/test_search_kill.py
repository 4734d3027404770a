"""Indexing is killed wherever it is: nothing is missing afterwards, and nothing is there twice."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.archive.search_index import open_index
from mse_tui.archive.search_query import parse
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database, writing
from mse_tui.store.models import Message
from tests.archive.conftest import ArchivedMailbox, sha
from tests.conftest import REPOSITORY

MESSAGES = 400
CHILD = """
import sys
from pathlib import Path
from mse_tui.archive import indexing
from mse_tui.archive.indexing import Indexing
from mse_tui.archive.packs import Packs
from mse_tui.home import Home
from mse_tui.store.database import open_database

indexing._AT_A_TIME = 25
home = Home.open(Path(sys.argv[1]))
open_database(home.database)
print("begins", flush=True)
Indexing(Packs(home.archive), home.search_index).run()
print("ended", flush=True)
"""


def mime(number: int) -> bytes:
    return f"Subject: Message {number}\r\n\r\nevery number{number} {'filler ' * 100}\r\n".encode()


@pytest.fixture
def filled(store: Home, packs: Packs, keep) -> Home:
    contents = [mime(number) for number in range(MESSAGES)]
    keep(*contents, messages=False)
    box = ArchivedMailbox()
    with writing():
        for content in contents:
            box.place(box.root, Message.create(sha256=sha(content), size=len(content)))
    return store


def run_child(home: Home, kill_after: float | None) -> bool:
    """Index in a process of its own, killed so many seconds after it has begun; whether it came to its end."""
    close_database()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home.path)],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "begins\n"
        if kill_after is not None:
            time.sleep(kill_after)
            child.send_signal(signal.SIGKILL)
        ended = child.stdout.read() == "ended\n"
    open_database(home.database)
    return ended


@pytest.mark.slow
def test_a_killed_round_leaves_nothing_out_and_nothing_twice(filled: Home, packs: Packs) -> None:
    chance = random.Random(7)
    for _ in range(12):
        if run_child(filled, chance.uniform(0.0, 0.25)):
            break
        check(filled, complete=False)
    Indexing(packs, filled.search_index).run()
    check(filled, complete=True)


def check(home: Home, *, complete: bool) -> None:
    with open_index(home.search_index) as index:
        every = [match.message_id for match in index.matches(parse("every"), 1 << 62, 10 * MESSAGES)]
        assert len(every) == len(set(every)) == index.count()
        assert sorted(every) == list(range(1, len(every) + 1)), "without a gap"
        for number in range(0, len(every), 7):
            assert len(index.matches(parse(f"number{number}"), 1 << 62, 10)) == 1
        assert len(every) == MESSAGES or not complete
