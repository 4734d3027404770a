"""Secrets by reference: where a configuration says that one is kept, never the secret itself."""

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from mse_tui.reasons import Problem, Reason


def read_secret(
    file: Path | None = None, variable: str | None = None, credential: str | None = None, kind: str = "password"
) -> SecretStr:
    """Read a secret now, from the one place that is given: a file, an environment variable, a systemd credential.

    `kind` says in messages what it is. Raises Problem secret-unreadable; the secret's text is never in it.
    """
    if variable is not None:
        return _from_environment(variable)
    if credential is not None:
        return _from_file(_credential_path(credential), kind)
    assert file is not None
    return _from_file(file, kind)


def _from_environment(name: str) -> SecretStr:
    value = os.environ.get(name)
    if not value:
        raise Problem(Reason.SECRET_UNREADABLE, f"The environment variable {name} is not set or empty.")
    return SecretStr(value)


def _credential_path(name: str) -> Path:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise Problem(
            Reason.SECRET_UNREADABLE,
            f"The systemd credential {name} is not there: CREDENTIALS_DIRECTORY is not set.",
            f"Start mse-tui as a systemd unit with LoadCredential={name}:/path/to/file.",
        )
    if "/" in name or name in ("", ".", ".."):
        raise Problem(Reason.SECRET_UNREADABLE, f"{name!r} is not the name of a systemd credential.")
    return Path(directory) / name


def _from_file(path: Path, kind: str) -> SecretStr:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Problem(Reason.SECRET_UNREADABLE, f"The {kind} file {path} is not a regular file.")
            if status.st_mode & 0o077:
                mode = stat.S_IMODE(status.st_mode)
                raise Problem(
                    Reason.SECRET_UNREADABLE,
                    f"The {kind} file {path} may be used by others (mode {mode:04o}).",
                    f"Make it yours alone: chmod 600 {path}",
                )
            if status.st_uid not in (os.geteuid(), 0):
                raise Problem(Reason.SECRET_UNREADABLE, f"The {kind} file {path} belongs to another user.")
            value = file.read(64 * 1024).decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise Problem(
            Reason.SECRET_UNREADABLE, f"The {kind} file {path} could not be read: {error.strerror}."
        ) from error
    except UnicodeDecodeError:
        raise Problem(Reason.SECRET_UNREADABLE, f"The {kind} file {path} is not UTF-8 text.") from None
    if not value:
        raise Problem(Reason.SECRET_UNREADABLE, f"The {kind} file {path} is empty.")
    return SecretStr(value)
