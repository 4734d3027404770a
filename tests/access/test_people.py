"""Who is at the keyboard: what the kernel knows counts before what sudo says, which counts for root alone."""

import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from mse_tui.access import people
from mse_tui.access.people import groups_of, person, who

USERS = {0: "root", 1000: "ann", 990: "mse-tui"}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Machine":
    return Machine(monkeypatch, tmp_path / "loginuid")


class Machine:
    """A system with three users, as the process sees it."""

    def __init__(self, patch: pytest.MonkeyPatch, login: Path) -> None:
        self._patch, self._login = patch, login
        patch.setattr(people, "_LOGIN_UID", login)
        patch.setattr(pwd, "getpwuid", self._user)
        patch.delenv("SUDO_USER", raising=False)

    @staticmethod
    def _user(uid: int) -> object:
        return SimpleNamespace(pw_name=USERS[uid])

    def runs_as(self, uid: int, *, login: int | None = None, sudo: str = "") -> None:
        self._patch.setattr(os, "geteuid", lambda: uid)
        if login is not None:
            self._login.write_text(str(login))
        if sudo:
            self._patch.setenv("SUDO_USER", sudo)


def test_a_user_is_named(machine: Machine) -> None:
    machine.runs_as(1000, login=1000)
    assert (who(), person()) == ("ann", "ann")


@pytest.mark.parametrize("uid", [0, 990])
def test_the_one_who_signed_in_is_named_behind_the_user_she_became(machine: Machine, uid: int) -> None:
    machine.runs_as(uid, login=1000, sudo="mallory")
    assert (who(), person()) == (f"{USERS[uid]} (ann)", "ann")


def test_where_the_kernel_does_not_know_sudo_counts_for_root(machine: Machine) -> None:
    machine.runs_as(0, login=2**32 - 1, sudo="ann")
    assert who() == "root (ann)"


def test_what_sudo_is_said_to_have_done_counts_for_nobody_else(machine: Machine) -> None:
    machine.runs_as(990, sudo="ann")
    assert who() == "mse-tui"


def test_a_user_without_a_name_is_a_number(machine: Machine) -> None:
    machine.runs_as(4242, login=4242)
    assert who() == "uid 4242"


def test_groups_have_names() -> None:
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert groups_of(name)
    assert groups_of("nobody at all") == frozenset()
