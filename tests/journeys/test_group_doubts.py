"""What is wrong about a group is said when a task takes it, not first by its execution."""

import json
import os
import signal
import socket
import subprocess
import sys
from time import monotonic

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.cli import group_doubts
from mse_tui.cli.main import run
from mse_tui.store import queries
from mse_tui.store.models import Task
from tests.conftest import REPOSITORY
from tests.journeys.test_groups import DOMAIN, GROUP, change_group, everyone

NOBODY = f"nobody@{DOMAIN}"
OPTIONS = ("--definition", "Everything", "--schedule", "Nightly", "--group")


@pytest.fixture
def mse_tui(site, capsys):
    """Runs a command on the site; gives exit code, output, errors."""
    open_site(site.home)
    change_group(site, everyone(site))

    def command(*arguments):
        capsys.readouterr()
        code = run(["--home", str(site.home.path), *arguments])
        return code, *capsys.readouterr()

    assert command("definition", "new", "MFR", "Everything")[0] == 0
    assert command("schedule", "new", "daily", "Nightly", "--at", "22:00")[0] == 0
    return command


@pytest.mark.parametrize("engine", [False, True])
def test_an_address_that_nobody_has_is_told_when_the_task_is_made(site, mse_tui, engine):
    if engine:
        with site.engine():
            code, out, err = mse_tui("task", "new", "Nobody", *OPTIONS, NOBODY)
    else:
        code, out, err = mse_tui("task", "new", "Nobody", *OPTIONS, NOBODY)
    assert code == 0
    assert "Created task 'Nobody'" in out
    assert NOBODY in err
    for said in ("warning: ", "What to do: ", "Reason: group-empty", "Reason: mailbox-not-found"):
        assert said in err
    assert queries.task_named("Nobody") is not None


def test_a_group_that_is_as_it_should_be_is_taken_without_a_word_and_kept_as_it_was_found(mse_tui):
    code, _, err = mse_tui("task", "new", "Engineering", *OPTIONS, GROUP)
    assert (code, err) == (0, "")
    row = Task.get(Task.description == "Engineering")
    assert (row.group_kind, row.group_key, row.group_name) == ("exchange", GROUP, "Engineering")


def test_members_that_are_skipped_are_told_with_the_reason(site, mse_tui):
    told = json.loads(mse_tui("task", "new", "Two", *OPTIONS, f"{everyone(site)[0]}; {NOBODY}", "--json")[1])
    (warning,) = told["warnings"]
    assert warning["reason"] == "mailbox-not-found"
    assert NOBODY in warning["message"]
    assert warning["remedy"]
    assert mse_tui("task", "new", "One", *OPTIONS, everyone(site)[0], "--what-if", "--json")[0] == 0


@pytest.mark.parametrize(("group", "exit_code"), [(NOBODY, 64), ("No such group", 64)])
def test_who_asks_for_strictness_gets_no_such_task(mse_tui, group, exit_code):
    code, out, err = mse_tui("task", "new", "Nobody", *OPTIONS, group, "--strict")
    assert (code, out) == (exit_code, "")
    assert "Nothing was changed." in err
    assert not Task.select().exists()


@pytest.fixture
def silent(site):
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/EWS/Exchange.asmx"
        site.configure(endpoint=url, timeout_seconds=300)
        yield listening


def test_a_server_that_says_nothing_holds_nobody_up(site, mse_tui, silent, monkeypatch):
    monkeypatch.setattr(group_doubts, "ANSWERED_WITHIN", 0.5)
    began = monotonic()
    code, _, err = mse_tui("task", "new", "Sales", *OPTIONS, everyone(site)[0])
    assert monotonic() - began < 60
    assert code == 0
    assert "Reason: timeout" in err
    assert "mse-tui group resolve" in err
    assert Task.select().count() == 1


def test_nor_do_many_groups(site, mse_tui, silent, monkeypatch, tmp_path):
    monkeypatch.setattr(group_doubts, "ANSWERED_WITHIN", 0.5)
    monkeypatch.setattr(group_doubts, "ALL_ANSWERED_WITHIN", 0.5)
    file = tmp_path / "site.toml"
    tasks = (
        f'[[task]]\ndescription = "{number}th"\ntype = "MFR"\ndefinition = "Everything"\nschedule = "Nightly"\n'
        f'group = "{address}"\n'
        for number, address in enumerate(everyone(site)[:2])
    )
    file.write_text(mse_tui("export")[1] + "\n".join(tasks))
    code, _, err = mse_tui("plan", str(file))
    assert code == 0
    assert err.count("Reason: timeout") == 2
    assert "no answer within" in err and "the groups before it took all the time" in err


def test_a_text_tells_it_of_each_task_that_it_makes(site, mse_tui, tmp_path):
    assert mse_tui("task", "new", "Engineering", *OPTIONS, GROUP)[0] == 0
    text = mse_tui("export")[1]
    task = text[text.index("[[task]]") :].partition("\n\n")[0]
    file = tmp_path / "site.toml"
    file.write_text(text + "\n\n" + task.replace("Engineering", "Nobody").replace(GROUP, NOBODY))
    code, out, err = mse_tui("plan", str(file))
    assert (code, "+ task Nobody" in out) == (0, True)
    assert "Reason: group-empty" in err
    (step,) = json.loads(mse_tui("plan", str(file), "--json")[1])
    assert {one["reason"] for one in step["warnings"]} == {"group-empty", "mailbox-not-found"}
    assert mse_tui("apply", str(file), "--strict")[0] == 64
    assert Task.select().count() == 1
    code, _, err = mse_tui("apply", str(file))
    assert (code, "Reason: group-empty" in err) == (0, True)
    assert Task.select().count() == 2
    assert mse_tui("apply", str(file)) == (0, "Nothing to change.\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(("interrupted", "code"), [(True, 130), (False, 0)])
def test_a_command_ends_although_the_server_says_nothing(site, mse_tui, silent, interrupted, code):
    new = ("task", "new", "Sales", *OPTIONS, "; ".join(everyone(site)))
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "mse_tui", "--home", str(site.home.path), *new],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    silent.settimeout(60)
    asked, _ = silent.accept()
    with asked:
        if interrupted:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert b"Traceback" not in err
