"""The declared commands: their keys, what runs them, and what is written about them."""

import inspect

import pytest

from mse_tui.app import MseTuiApp
from mse_tui.screens.keys import SCREENS
from mse_tui.widgets.commands import EVERYWHERE, LIST_KEYS, Command, steps_beside
from mse_tui.widgets.paged_list import PagedList

UNTYPEABLE = {"ctrl+h", "ctrl+m", "ctrl+i", "ctrl+shift+p", "ctrl+b", "ctrl+a"}


def keys_of(commands: tuple[Command, ...]) -> list[str]:
    return [key for command in commands for key in command.key.split(",")]


@pytest.mark.parametrize("name", list(SCREENS))
def test_no_key_means_two_things_on_a_screen(name: str) -> None:
    own = SCREENS[name].KEYS
    everywhere = (*EVERYWHERE, *LIST_KEYS, *steps_beside(own))
    keys = keys_of((*own, *(one for one in everywhere if one.id not in {command.id for command in own})))
    shared = {"ctrl+d", "ctrl+u"}
    assert sorted(key for key in set(keys) if keys.count(key) > 1 and key not in shared) == []


@pytest.mark.parametrize("name", list(SCREENS))
def test_h_and_l_are_left_and_right(name: str) -> None:
    own = SCREENS[name].KEYS
    found = {key: one.id for one in (*own, *steps_beside(own)) for key in one.key.split(",")}
    assert found["h"] == found["left"]
    assert found["l"] == found["right"]


@pytest.mark.parametrize("name", list(SCREENS))
def test_every_command_of_a_screen_has_its_action(name: str) -> None:
    screen = SCREENS[name]
    for command in screen.KEYS:
        owners = (screen, PagedList, MseTuiApp)
        assert any(callable(getattr(owner, f"action_{command.action}", None)) for owner in owners), command


def test_every_command_says_what_it_does() -> None:
    commands = {one for screen in SCREENS.values() for one in screen.KEYS} | {*EVERYWHERE, *LIST_KEYS}
    for command in commands:
        assert command.label, command
        assert command.help.endswith("."), command
        assert not set(command.key.split(",")) & UNTYPEABLE, command


@pytest.mark.parametrize("name", list(SCREENS))
def test_key_line_fits_eighty_columns_with_what_is_needed_most(name: str) -> None:
    shown = [one for one in SCREENS[name].KEYS if one.footer][:5]
    assert len("? Help  q Quit  ") + sum(len(one.first_key) + len(one.label) + 3 for one in shown) <= 80


def test_every_screen_has_a_help_text() -> None:
    for screen in SCREENS.values():
        assert screen.HELP_TEXT.endswith(".")
        assert inspect.getdoc(screen)
