"""Lists: what is dropped when it is narrow, how long ones are read, where the cursor stays."""

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from mse_tui.widgets.lines import Column, Line, layout, line
from mse_tui.widgets.paged_list import PAGE, PagedList
from tests.screens.conftest import shown, until

COLUMNS = (Column("Name", 12, grows=True), Column("Size", 8, 2, right=True), Column("Class", 10, 3))


@pytest.mark.parametrize(
    ("room", "widths"),
    [(40, [18, 8, 10]), (34, [12, 8, 10]), (33, [23, 8, 0]), (21, [21, 0, 0]), (8, [8, 0, 0])],
)
def test_columns_are_dropped_by_priority(room: int, widths: list[int]) -> None:
    assert layout(COLUMNS, room) == widths


def test_columns_get_the_room_that_their_texts_want_and_leave_out_what_is_empty() -> None:
    listed = (Column("Task", 6, grows=True), Column("Site", 6), Column("Gone", 4, if_any=True))
    assert layout(listed, 30, [6, 20, 4]) == [6, 16, 4]
    assert layout(listed, 60, [9, 20, 0]) == [9, 20, 0]
    assert layout(listed, 90, [200, 20, 0]) == [68, 20, 0]


class ListApp(App[None]):
    def compose(self) -> ComposeResult:
        yield PagedList(COLUMNS, empty="Nothing. Press c.")


def rows(*names: str) -> list[Line]:
    return [line(name, name, "1", "x") for name in names]


async def test_the_cursor_stays_on_its_line_when_others_come_and_go() -> None:
    app = ListApp()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(PagedList)
        found.focus()
        found.set_lines(rows("a", "b", "c"))
        await pilot.press("j")
        found.set_lines(rows("0", "a", "b", "c"))
        assert found.current is not None
        assert found.current.key == "b"
        found.set_lines(rows("0"))
        assert found.current.key == "0"
        found.set_lines([])
        assert found.current is None
        await pilot.pause()
        assert "Nothing. Press c." in shown(app)


async def test_lines_that_are_the_same_are_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ListApp()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(PagedList)
        found.set_lines(rows("a", "b", "c"))
        await pilot.pause()
        refreshed: list[object] = []
        monkeypatch.setattr(found, "refresh", lambda *regions, **_: refreshed.append(regions))
        found.set_lines(rows("a", "b", "c"))
        assert refreshed == []
        found.set_lines([*rows("a", "b"), line("c", "C", "1", "x")])
        assert len(refreshed) == 1


async def test_a_million_lines_are_read_a_page_at_a_time() -> None:
    asked: list[int] = []

    def fetch(offset: int, limit: int) -> Sequence[Line]:
        asked.append(offset)
        return [line(number, f"line {number}", "1", "x") for number in range(offset, offset + limit)]

    app = ListApp()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(PagedList)
        found.focus()
        found.set_pages(1_000_000, fetch)
        await until(pilot, lambda: "line 0 " in shown(app), "the first page")
        await pilot.press("G")
        await until(pilot, lambda: "line 999999" in shown(app), "the last page")
        assert set(asked) <= {0, 1_000_000 - PAGE}
        await pilot.press("g", "pagedown")
        await until(pilot, lambda: found.current is not None and found.current.key == "8", "the ninth line")


async def test_pages_shown_stay_until_their_new_ones_come() -> None:
    app = ListApp()
    async with app.run_test(size=(40, 10)) as pilot:
        found = app.query_one(PagedList)
        found.set_pages(3, lambda offset, limit: rows("a", "b", "c"))
        await until(pilot, lambda: " a " in shown(app), "the page")
        found.set_pages(3, lambda offset, limit: rows("a", "B", "c"))
        assert "..." not in shown(app)
        await until(pilot, lambda: " B " in shown(app), "the new page")


async def test_what_an_empty_list_says_is_wrapped_not_cut() -> None:
    app = ListApp()
    async with app.run_test(size=(30, 8)) as pilot:
        empty = app.query_one(PagedList)
        empty.set_empty(" Nothing is kept here. Press c to keep something, and e to change how long.")
        await pilot.pause()
        assert not shown(app).strip(), "nothing has been read yet"
        empty.set_lines([])
        await pilot.pause()
        assert shown(app).split("\n")[:4] == [
            " Nothing is kept here. Press c",
            " to keep something, and e to",
            " change how long.",
            "",
        ]


async def test_columns_of_pages_are_as_wide_as_what_has_been_seen_of_them() -> None:
    def fetch(offset: int, limit: int) -> Sequence[Line]:
        return [line(number, f"line {number}", "1", "a class of its own") for number in range(offset, offset + limit)]

    app = ListApp()
    async with app.run_test(size=(80, 10)) as pilot:
        found = app.query_one(PagedList)
        found.set_pages(3, fetch)
        await until(pilot, lambda: "a class of its own" in shown(app), "the whole text")
