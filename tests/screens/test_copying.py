"""Copying what the cursor is on: to the terminal's clipboard and into a file, by keys alone."""

import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.copying import keep_copy, shortened
from mse_tui.home import Home
from mse_tui.store.database import close_database
from tests.screens.care_seed import seed_stubs
from tests.screens.conftest import Keys, until
from tests.screens.seed import DOMAIN, HOSTILE


async def copied(app: MseTuiApp, state: Path, *presses: str) -> str:
    """What lies in the clipboard after these keys; the file has the same."""
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        await keys.see("Copied, if this terminal takes copies")
        assert (state / "copied.txt").read_text() == app.clipboard + "\n"
        return app.clipboard


@pytest.mark.parametrize(
    ("presses", "text"),
    [
        (["2", "y"], "Before the move"),
        (["2", "space", "space", "y"], "Before the move\nBoard, office hours"),
        (["3", "y"], f"ann.lindqvist@{DOMAIN}"),
        (["3", "enter", "j", "j", "y"], "Inbox/Prosjekter"),
        (["3", "enter", "j", "enter", "y"], "<40@fjordline.example>"),
        (["2", "j", "enter", "s", "enter", "j", "y"], f"bo.akerman@{DOMAIN}"),
        (["2", "j", "enter", "m", "j", "y"], f"ann.lindqvist@{DOMAIN}"),
        (["5", "y"], "Envelopes only"),
        (["6", "y"], "Before the move"),
        (["S", "y"], "Fjordline Oslo"),
    ],
)
async def test_what_is_copied_is_what_the_line_is_about(
    app: MseTuiApp, state: Path, presses: list[str], text: str
) -> None:
    assert await copied(app, state, *presses) == text


async def test_a_problem_is_copied_with_what_to_do_about_it(app: MseTuiApp, state: Path) -> None:
    text = await copied(app, state, "y")
    assert text.startswith("Shared mailboxes: ")
    assert "[" in text.splitlines()[0]
    assert text.splitlines()[1]


async def test_a_reason_is_copied_whole_wherever_it_was_broken(app: MseTuiApp, state: Path) -> None:
    async with app.run_test(size=(60, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter", "j", "enter")
        await keys.see("Counters")
        listed = app.screen.main_list
        while "Open the item" not in listed.current.copies:
            before = listed.cursor
            await keys.press("j")
            assert listed.cursor > before
        await keys.press("y")
        await until(pilot, lambda: app.clipboard.endswith("."), "the copy")
        assert "[item-corrupt] Open the item in Outlook" in app.clipboard


async def test_all_columns_are_copied_by_the_big_y(app: MseTuiApp, state: Path) -> None:
    text = await copied(app, state, "2", "Y")
    assert text.split("\t")[:3] == ["Before the move", "MFR", "Unknown"]


async def test_marks_on_pages_that_have_gone_are_copied_too(app: MseTuiApp, state: Path) -> None:
    seed_stubs()
    text = await copied(app, state, "9", "space", "space", "space", "g", "y")
    assert sorted(text.splitlines()) == [f"{number:032x}" for number in (1, 2, 3)]


def test_the_file_is_its_user_s_alone_and_written_as_a_whole(state: Path) -> None:
    assert keep_copy("one\ntwo") == state / "copied.txt"
    keep_copy("three")
    assert (state / "copied.txt").read_text() == "three\n"
    assert stat.S_IMODE((state / "copied.txt").stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["copied.txt"]


async def test_where_no_file_can_be_written_the_terminal_is_still_asked(app: MseTuiApp, state: Path) -> None:
    state.parent.mkdir()
    state.write_text("in the way")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "y")
        screen = await keys.see("Copied, if this terminal takes copies")
        assert "the file" not in screen
        assert app.clipboard == "Before the move"


async def test_visitors_in_a_browser_leave_no_file(
    app: MseTuiApp, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MseTuiApp, "is_web", True)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "y")
        screen = await keys.see("Copied, if this terminal takes copies")
        assert "the file" not in screen
    assert not state.exists()


def test_a_path_in_the_home_is_named_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert shortened(Path("/home/ann/.local/state/mse-tui/copied.txt")) == "~/.local/state/mse-tui/copied.txt"
    assert shortened(Path("/srv/copied.txt")) == "/srv/copied.txt"


async def test_nothing_from_a_mailbox_reaches_the_clipboard_as_a_command(app: MseTuiApp, state: Path) -> None:
    from mse_tui.store.models import Definition

    Definition.update(name=HOSTILE).where(Definition.name == "Envelopes only").execute()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.press("5")
        listed = app.screen.query_one("#definitions")
        while "\\x1b" not in listed.current.copies:
            await keys.press("j")
        await keys.press("y")
        await until(pilot, lambda: bool(app.clipboard), "the copy")
        assert not set(app.clipboard) & set("\x1b\x07\x9b\u202e")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_tmux_takes_the_copy(seeded: Home, state: Path, tmp_path: Path) -> None:
    close_database()
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    program = f"{sys.executable} -m mse_tui --home {seeded.path}"

    def run(*arguments: str) -> str:
        return subprocess.run([*tmux, *arguments], check=False, capture_output=True, text=True).stdout

    def wait_for(text: str) -> None:
        end = time.monotonic() + 30
        while text not in (screen := run("capture-pane", "-p")):
            assert time.monotonic() < end, f"waited for {text!r} in vain:\n{screen}"
            time.sleep(0.1)

    try:
        run("new-session", "-d", "-x", "80", "-y", "24", "-e", f"XDG_STATE_HOME={state.parent}", program)
        run("set", "-s", "set-clipboard", "on")
        wait_for("Needs attention")
        run("send-keys", "2")
        wait_for("All types: 4 tasks")
        run("send-keys", "y")
        wait_for("Copied")
        assert run("show-buffer") == "Before the move"
    finally:
        run("kill-server")
