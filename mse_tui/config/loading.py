"""Reading the configuration file.

Every failure names the file, the line where it can be told, the key, and what is wrong with it.
"""

import difflib
import re
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from mse_tui.config.configuration import Configuration
from mse_tui.config.site import EngineSettings, RoleSettings, SiteSettings
from mse_tui.reasons import Problem, Reason


class _OnlySite(BaseModel):
    """The file, of which one table is looked at."""

    site: SiteSettings = SiteSettings()


class _OnlyRoles(BaseModel):
    """The file, of which one table is looked at."""

    roles: RoleSettings = RoleSettings()


class _OnlyEngine(BaseModel):
    """The file, of which one table is looked at."""

    engine: EngineSettings = EngineSettings()


_Table = TypeVar("_Table", bound=BaseModel)


def load_configuration(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises Problem configuration-invalid with every fault that was found, each with its key and line.
    """
    text = _text(path)
    if text is None:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"There is no configuration at {path}.",
            "Write an example there and fill in its [exchange] table: "
            f"mse-tui site example | install -m 600 /dev/stdin {path}",
        )
    values = _values(path, text)
    try:
        return Configuration.model_validate(values, context={"directory": path.parent})
    except ValidationError as error:
        raise _invalid(path, text, error) from None


def load_roles(path: Path) -> RoleSettings:
    """Read [roles] alone, whatever is wrong with the rest of the file; where there is no file, no role is given.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlyRoles).roles


def load_site_settings(path: Path) -> SiteSettings:
    """Read [site] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlySite).site


def load_engine_settings(path: Path) -> EngineSettings:
    """Read [engine] alone, whatever is wrong with the rest of the file; defaults where there is no file.

    Raises Problem configuration-invalid.
    """
    return _alone(path, _OnlyEngine).engine


def _alone(path: Path, table: type[_Table]) -> _Table:
    text = _text(path)
    if text is None:
        return table()
    try:
        return table.model_validate(_values(path, text))
    except ValidationError as error:
        raise _invalid(path, text, error) from None


def _text(path: Path) -> str | None:
    """The file's text; None where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} could not be read: {error}.") from error


def _values(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} is not valid TOML: {error}.") from error


def _invalid(path: Path, text: str, error: ValidationError) -> Problem:
    faults = "; ".join(_fault(fault, text) for fault in error.errors(include_url=False, include_input=False))
    return Problem(Reason.CONFIGURATION_INVALID, f"{path}: {faults}.")


def _fault(fault: Any, text: str) -> str:
    """One validation fault as a person reads it: 'line 4, [exchange] requests_in_flight: ...'."""
    keys = [str(part) for part in fault["loc"]]
    line = _line_of(keys, text)
    where = f"[{keys[0]}]" + (f" {'.'.join(keys[1:])}" if len(keys) > 1 else "") if keys else "the file"
    message = _message(fault, keys)
    return (f"line {line}, " if line else "") + f"{where}: {message}"


def _message(fault: Any, keys: list[str]) -> str:
    if fault["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
        return "unknown key" + (f", did you mean {close[0]}?" if close else "")
    if fault["type"] == "missing":
        return "is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _known_keys(parents: list[str]) -> list[str]:
    model: Any = Configuration
    for parent in parents:
        annotation: Any = model.model_fields[parent].annotation
        model = next((part for part in get_args(annotation) if part is not NoneType), annotation)
    return list(model.model_fields)


def _line_of(keys: list[str], text: str) -> int | None:
    """The line on which a key stands, else its table's; None where neither is written out."""
    table, found = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = header.group(1).strip()
            if keys and table == keys[0]:
                found = number
        elif (assignment := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)) and keys:
            path = [*([table] if table else []), assignment.group(1)]
            if path == keys or ".".join(path) == ".".join(keys):
                return number
    return found
