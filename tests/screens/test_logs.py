"""The Logs screen: it follows what comes, stops when one goes up, and shows what one asks for."""

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.engine.log_file import FILE_NAME
from mse_tui.engine.log_lines import Level
from mse_tui.home import Home
from mse_tui.widgets.paged_list import PagedList
from tests.screens.conftest import Keys, settle, shown, until
from tests.screens.log_seed import BO, BOARD, log_line, write_lines


def lines_shown(app: MseTuiApp) -> PagedList:
    return app.screen.query_one("#lines", PagedList)


async def open_logs(keys: Keys) -> None:
    await keys.see("Recent activity")
    await keys.press("L")
    await keys.see("Engine's log: 9 lines, following")


async def test_it_follows_what_another_process_logs(app: MseTuiApp, seeded: Home) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        write_lines(seeded, [log_line(0, Level.INFO, f"line {number}") for number in range(50)])
        screen = await keys.see("59 lines, following")
        await keys.see("line 49")
        assert "line 20" not in screen


async def test_going_up_stops_it_and_the_end_goes_on(app: MseTuiApp, seeded: Home) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        await keys.press("k")
        await keys.see("not following")
        write_lines(seeded, [log_line(0, Level.INFO, f"line {number}") for number in range(50)])
        screen = await keys.see("59 lines, not following")
        assert "Engine of site" in screen
        assert "line 49" not in screen
        await keys.press("f")
        await keys.see("59 lines, following")
        await keys.see("line 49")
        await keys.press("pageup")
        await keys.see("not following")
        await keys.press("G")
        await keys.see("59 lines, following")


async def test_a_narrow_terminal_shows_whose_mailbox_a_line_is_about(app: MseTuiApp) -> None:
    async with app.run_test(size=(60, 20)) as pilot:
        keys = Keys(pilot)
        await keys.see("Needs attention")
        await keys.press("L")
        await keys.see("Engine's log: 9 lines, following")
        failed = next(one for one in shown(app).splitlines() if "A mailbox failed" in one)
        assert failed.split() == ["03-02", "10:28:30", "x", "carla.moreau@f…", "A", "mailbox", "failed", "inside"]
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "x error" in shown(app)


async def test_rotation_goes_unnoticed(app: MseTuiApp, seeded: Home) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        (seeded.logs / FILE_NAME).rename(seeded.logs / f"{FILE_NAME}.1")
        write_lines(seeded, [log_line(0, Level.INFO, "after the rotation")])
        await keys.see("10 lines, following")
        screen = await keys.see("after the rotation")
        assert "A mailbox failed inside" in screen


async def test_what_is_rotated_away_moves_what_one_looks_at_with_it(app: MseTuiApp, seeded: Home) -> None:
    (seeded.logs / FILE_NAME).rename(seeded.logs / f"{FILE_NAME}.4")
    write_lines(seeded, [log_line(0, Level.INFO, f"line {number}") for number in range(300)])
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("L")
        await keys.see("309 lines, following")
        await keys.press("pageup", "pageup")
        before = lines_shown(app).current
        assert before is not None
        (seeded.logs / f"{FILE_NAME}.4").unlink()
        write_lines(seeded, [log_line(0, Level.INFO, "one more")])
        await keys.see("301 lines, not following")
        await settle(pilot)
        after = lines_shown(app).current
        assert after is not None
        assert after.cells[-1] == before.cells[-1]


async def test_by_level(app: MseTuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        await keys.press("v")
        await keys.see("9 lines, info and worse")
        await keys.press("v")
        screen = await keys.see("4 lines, warning and worse")
        assert "Mailbox done: success" not in screen
        await keys.press("v")
        await keys.see("1 line, errors")
        await keys.press("escape")
        await keys.see("Engine's log: 9 lines, following")


async def test_by_task_mailbox_and_text(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        await keys.press("t")
        await keys.see("Lines about which task?")
        await keys.type("board")
        await keys.press("enter")
        await keys.see(f"5 lines, task '{BOARD}'")
        await keys.press("m")
        await keys.type("bo.")
        await keys.press("enter")
        await keys.see(f"2 lines, task '{BOARD}', mailbox bo.")
        await keys.press("slash")
        await keys.type("could not")
        await keys.press("enter")
        screen = await keys.see("1 line, ")
        assert "1 item could not be read" in screen
        await keys.press("escape")
        await keys.see("Engine's log: 9 lines")


async def test_a_line_in_full_with_what_to_do(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        await keys.press("enter")
        screen = await keys.see("Traceback")
        assert "ValueError: [bold]x[/]" in screen
        assert "internal-error" in screen
        assert "What to do" in screen
        await keys.press("escape", "k", "k", "k", "k", "k", "enter")
        screen = await keys.see("\\x1b[31mred")
        assert "[@click=app.quit]x[/]" in screen


async def test_the_log_of_what_one_looks_at(app: MseTuiApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        keys = Keys(pilot)
        await keys.press("2", "j", "enter", "s", "enter")
        await keys.see("bo.akerman")
        await keys.press("j", "enter")
        await keys.see("Counters")
        await keys.press("o")
        await keys.see("Engine's log")
        assert f"mailbox {BO}" in shown(app)
        await keys.press("escape")
        await keys.see("Counters")


async def test_a_site_whose_engine_never_ran(store: Home) -> None:
    app = MseTuiApp(store)
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("L")
        await keys.see("No lines")


async def test_a_hundred_thousand_lines_scroll_at_once(app: MseTuiApp, seeded: Home) -> None:
    pattern = log_line(0, Level.INFO, "line %d", task=BOARD).to_json() + "\n"
    with (seeded.logs / FILE_NAME).open("a") as file:
        file.writelines(pattern % number for number in range(100_000))
    async with app.run_test(size=(120, 24)) as pilot:
        keys = Keys(pilot)
        await keys.press("L")
        await keys.see("100,009 lines, following")
        await keys.see("line 99999")
        for key, landmark in (("g", "Fjordline Oslo"), ("G", "line 99999"), ("pageup", "line 99981")):
            await keys.press(key)
            await keys.see(landmark)
        read = sum(len(page) for page in lines_shown(app)._pages.values())
        assert read <= 1200


async def test_it_reads_nothing_while_it_is_not_seen(
    app: MseTuiApp, seeded: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        keys = Keys(pilot)
        await open_logs(keys)
        screen = app.screen
        assert screen._watcher is not None
        await keys.press("1")
        assert screen._watcher is None
        write_lines(seeded, [log_line(0, Level.INFO, "while away")])
        await keys.press("L")
        await keys.see("while away")
        await until(pilot, lambda: screen._watcher is not None)
