"""What commands say of a running task: the same as the screens."""

import json
from datetime import timedelta

import pytest

from mse_tui.home import Home
from mse_tui.store.database import now, open_database
from mse_tui.store.models import MailboxResult, Progress
from tests.cli.conftest import Command
from tests.screens.seed import seed

TASK = "Everyone, nightly"


@pytest.fixture
def running(mse_tui: Command, home: Home) -> Command:
    """A site with a task in its third mailbox, for ten seconds so far."""
    open_database(home.database)
    seed(home)
    moment = now()
    Progress.update(mailbox_started=moment - timedelta(seconds=10), updated=moment).execute()
    return mse_tui


@pytest.mark.parametrize("command", [("status",), ("status", "--plain"), ("task", "show", TASK)])
def test_how_far_how_fast_and_how_long(running: Command, command: tuple[str, ...]) -> None:
    out = running(*command).out
    assert "mailbox 3 of 6, carla.moreau@fjordline.example" in out
    assert "4,312 of 9,800 items" in out
    assert "431 items/s" in out
    assert "about 3 min left, by its last 5 executions" in out


@pytest.mark.parametrize("command", [("status",), ("status", "--plain"), ("task", "show", TASK)])
def test_what_it_waits_for(running: Command, command: tuple[str, ...]) -> None:
    until = now() + timedelta(seconds=40)
    Progress.update(waiting="The server is busy", waiting_until=until).execute()
    assert f"backs off until {until.astimezone():%H:%M:%S}: The server is busy" in running(*command).out
    lock = "waits for its lock, held by 'Board'"
    Progress.update(waiting=lock, waiting_until=None, waiting_since=now() - timedelta(minutes=5)).execute()
    assert f"{lock} (for 5 min)" in running(*command).out


def test_what_takes_a_few_seconds_is_not_said_to_take_ten(running: Command) -> None:
    ended = MailboxResult.finished.is_null(False)
    MailboxResult.update(finished=MailboxResult.started + 2_000_000).where(ended).execute()
    assert "longer than its last 5 executions took (less than 10 s)" in running("status").out


def test_all_of_it_for_programs(running: Command) -> None:
    [row] = json.loads(running("status", "--json").out)["overview"]["running"]
    assert row == json.loads(running("task", "show", TASK, "--json").out)["progress"]
    assert row["usual"] == {"seconds": 210.0, "turns": 5}
    assert row["paces"][-1] == 108
    assert (row["mode"], row["waiting"], row["waiting_until"]) == ("differential", "", None)


def test_a_mailbox_without_a_history_is_promised_nothing(running: Command) -> None:
    Progress.update(address="new@fjordline.example").execute()
    assert "left, by" not in running("status").out
