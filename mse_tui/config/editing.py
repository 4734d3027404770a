"""Changing single settings in the configuration file; what people wrote around them stays as it is."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp

import tomlkit
from tomlkit.exceptions import TOMLKitError

from mse_tui.reasons import Problem, Reason


def set_values(path: Path, table: str, values: Mapping[str, int | str | bool]) -> None:
    """Write these keys of a table into the file, as a whole or not at all; its mode and its group stay.

    Raises Problem configuration-invalid: there is no file, it is no TOML, or it can't be written.
    """
    try:
        path = path.resolve(strict=True)
        document = tomlkit.parse(path.read_bytes().decode("utf-8-sig"))
        document.setdefault(table, tomlkit.table()).update(values)
        _replace(path, tomlkit.dumps(document))
    except FileNotFoundError as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"There is no configuration at {path}.",
            "Write an example there and fill in its [exchange] table: "
            f"mse-tui site example | install -m 600 /dev/stdin {path}",
        ) from error
    except (OSError, ValueError, TOMLKitError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"{path} could not be changed: {error}.",
            f"Write it by hand under [{table}]: " + ", ".join(f"{key} = {value}" for key, value in values.items()),
        ) from error


def _replace(path: Path, text: str) -> None:
    descriptor, beside = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        found = path.stat()
        if Path(beside).stat().st_gid != found.st_gid:
            os.chown(beside, -1, found.st_gid)
        Path(beside).chmod(stat.S_IMODE(found.st_mode))
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
