"""Who is at the keyboard, as far as the system knows."""

import grp
import os
import pwd
from pathlib import Path

_LOGIN_UID = Path("/proc/self/loginuid")
_UNSET = 2**32 - 1


def who() -> str:
    """The system user that this process runs as; 'mse-tui (ann)' where ann signed in and became that user."""
    own, behind = _name_of(os.geteuid()), person()
    return own if behind == own else f"{own} ({behind})"


def person() -> str:
    """The user who signed in, whatever user they became by sudo or su.

    That is the kernel's login uid (set at sign-in, not to be changed by the user, kept through sudo). Where the system
    sets none, whoever became root by sudo; for anybody else what sudo says could be made up.
    """
    login = _login_uid()
    if login is not None:
        return _name_of(login)
    behind = os.environ.get("SUDO_USER", "")
    return behind if behind and os.geteuid() == 0 else _name_of(os.geteuid())


def groups_of(name: str) -> frozenset[str]:
    """The names of a user's groups; none for a user that the system does not know."""
    try:
        numbers = os.getgrouplist(name, pwd.getpwnam(name).pw_gid)
    except KeyError:
        return frozenset()
    found = set()
    for number in numbers:
        try:
            found.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(found)


def _login_uid() -> int | None:
    try:
        number = int(_LOGIN_UID.read_text())
    except (OSError, ValueError):
        return None
    return None if number == _UNSET else number


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
