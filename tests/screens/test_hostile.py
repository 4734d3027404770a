"""What comes from mailboxes is data: whatever it contains, the terminal gets none of it as a command."""

import json

import pytest
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment

from mse_tui.app import MseTuiApp
from mse_tui.store.groups import ExecutionGroup, GroupAnswer
from mse_tui.store.models import ArchiveMailbox, Definition, MailboxResult, Progress, Schedule, Site, Task
from mse_tui.text import printable
from mse_tui.widgets.lines import Cell, fit
from tests.screens.conftest import Keys, until
from tests.screens.seed import HOSTILE

FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def segments(app: MseTuiApp) -> list[Segment]:
    """All that is sent to the terminal for the present screen, but the app's own control segments."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    return [segment for segment in app.console.render(update) if not segment.control]


def assert_clean(app: MseTuiApp) -> None:
    text = "".join(segment.text for segment in segments(app)).replace("\n", "")
    assert not FORBIDDEN & set(text), [character for character in text if character in FORBIDDEN]


@pytest.fixture
def hostile(app: MseTuiApp) -> MseTuiApp:
    """Hostile text wherever text comes from outside or from another person."""
    for model, column in (
        (Task, "description"), (Definition, "name"), (Schedule, "name"), (Site, "description"),
    ):  # fmt: skip
        row = model.select().order_by(model.id).first()
        model.update({column: HOSTILE}).where(model.id == row.id).execute()
    Task.update(latest_detail=HOSTILE, group=HOSTILE, light="red").execute()
    Task.update(group_name=HOSTILE).execute()
    ExecutionGroup.update(name=HOSTILE, resolved_by=HOSTILE, departed=json.dumps([HOSTILE])).execute()
    for row in GroupAnswer.select():
        skipped = [[HOSTILE, HOSTILE, HOSTILE]]
        answer = {**json.loads(row.answer), "included": [[HOSTILE] * 4], "skipped": skipped}
        GroupAnswer.update(answer=json.dumps(answer)).where(GroupAnswer.id == row.id).execute()
    Progress.update(address=HOSTILE, folder=HOSTILE, phase=HOSTILE, waiting=HOSTILE).execute()
    MailboxResult.update(address=HOSTILE, message=HOSTILE, reason=HOSTILE, mode=HOSTILE).execute()
    return app


WALKS = {
    "dashboard": ["1"],
    "tasks": ["2", "j", "D"],
    "task": ["2", "j", "j", "j", "enter", "o", "i"],
    "group": ["2", "j", "enter", "m"],
    "logs": ["4", "enter", "enter"],
    "failures": ["4", "j", "enter", "j", "enter"],
    "definitions": ["5", "e"],
    "schedules": ["6", "e"],
    "wizard": ["2", "c", "enter", "enter"],
    "messages": ["3", "enter", "j", "enter"],
    "message": ["3", "enter", "j", "enter", "enter", "H"],
    "saving": ["3", "enter", "j", "enter", "enter", "w"],
    "engine's log": ["L", "k", "k", "k", "k", "k", "enter"],
    "what the engine logged of one": ["o", "escape", "R"],
    "site": ["tab", "tab", "tab", "tab", "enter"],
}


SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (250, 70)


@pytest.mark.parametrize(
    ("walk", "size"),
    [*((walk, MIDDLE) for walk in WALKS), *((walk, size) for size in (SMALL, LARGE) for walk in ("dashboard", "logs"))],
)
async def test_hostile_text_is_shown_escaped(hostile: MseTuiApp, walk: str, size: tuple[int, int]) -> None:
    async with hostile.run_test(size=size, notifications=True) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        for key in WALKS[walk]:
            await keys.press(key)
            assert_clean(hostile)
        await until(pilot, lambda: bool(segments(hostile)), "the screen")


async def test_markup_in_a_subject_is_text(app: MseTuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        keys = Keys(pilot)
        await keys.press("3", "enter", "j", "enter", "enter")
        screen = await keys.see("[@click=app.quit]x[/]")
        assert "[bold]markup[/bold]" in screen
        assert "\\x1b[31mred" in screen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202eexe.txt", "\\u202eexe.txt"),
        ("\x9b2J", "\\x9b2J"),
        ("\u200bhidden\ufeff", "\\u200bhidden\\ufeff"),
        ("Åse 会議 שלום é", "Åse 会議 שלום é"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert Cell(text).text == expected


@pytest.mark.parametrize(
    "text", ["会議の議事録", "e\u0301te\u0301", "שלום עולם", "👩‍👩‍👧 family", HOSTILE, "plain", ""]
)
@pytest.mark.parametrize("width", [1, 2, 5, 8, 30])
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int) -> None:
    assert cell_len(fit(printable(text), width)) == width
    assert cell_len(fit(printable(text), width, right=True)) == width


NAMES = ("会議の議事録 報告", "שלום עולם, מכתבים", "e\u0301le\u0300ve des a\u0302ges", "👩‍👩‍👧 family mail")
"""Wide, right-to-left, combined from several, joined to one."""
LISTS = {
    "tasks": (["2"], Task, "description", "Type", "MFR"),
    "definitions": (["5"], Definition, "name", "Type", "MFR"),
    "archive": (["3"], ArchiveMailbox, "display_name", "Folders", "6"),
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "250x70"])
@pytest.mark.parametrize("place", list(LISTS))
async def test_no_name_moves_a_column(app: MseTuiApp, place: str, size: tuple[int, int]) -> None:
    presses, model, column, heading, value = LISTS[place]
    for row, name in zip(model.select(), NAMES, strict=False):
        model.update({column: name}).where(model.id == row.id).execute()
    async with app.run_test(size=size) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*presses)
        lines = (await keys.see(heading)).splitlines()
    assert all(cell_len(line) <= size[0] for line in lines)
    begins, ends = _span(next(line for line in lines if heading in line), heading)
    rows = [line for line in lines if value in line and any(name[:2] in line for name in NAMES)]
    assert len(rows) >= 3, lines
    for line in rows:
        first, last = _span(line, value, begins - 4)
        assert first == begins or last == ends, line


def _span(line: str, text: str, after: int = 0) -> tuple[int, int]:
    """Terminal columns at which a text begins and ends, of those behind a column the first one."""
    at = line.index(text)
    while cell_len(line[:at]) < after:
        at = line.index(text, at + 1)
    return cell_len(line[:at]), cell_len(line[: at + len(text)])


@pytest.mark.parametrize("theme", ["dark", "light", "ansi-dark", "ansi-light"])
@pytest.mark.parametrize("place", ["dashboard", "tasks", "task", "failures"])
async def test_on_sixteen_colours_nothing_is_written_in_the_colour_of_its_ground(
    app: MseTuiApp, place: str, theme: str
) -> None:
    app.theme = theme
    async with app.run_test(size=SMALL) as pilot:
        keys = Keys(pilot)
        await keys.see("Recent activity")
        await keys.press(*WALKS[place])
        for segment in segments(app):
            style = segment.style
            if style is None or not segment.text.strip() or style.color is None or style.bgcolor is None:
                continue
            written, ground = (each.downgrade(ColorSystem.STANDARD) for each in (style.color, style.bgcolor))
            assert written != ground or written.is_default, (segment.text, style)
