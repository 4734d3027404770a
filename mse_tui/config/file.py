"""The configuration file as text and as what a model makes of it.

Every failure names the file, the line where it can be told, the key, and what is wrong with it.
"""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from mse_tui.reasons import Problem, Reason
from mse_tui.setting_faults import SettingFault, setting_faults

_Model = TypeVar("_Model", bound=BaseModel)


def text_of(path: Path) -> str | None:
    """The file's text; None where there is no file. Raises Problem configuration-invalid when it can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} could not be read: {error}.") from error


def checked(path: Path, text: str, model: type[_Model]) -> _Model:
    """What the file says, as far as the model has tables for it.

    Raises Problem configuration-invalid with every fault that was found, each with its key and line.
    """
    try:
        return model.model_validate(tomllib.loads(text), context={"directory": path.parent})
    except tomllib.TOMLDecodeError as error:
        # The parser names a table as Python writes a tuple: ('exchange',).
        what = re.sub(r"\('(.*?)',\)", r"[\1]", str(error))
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} is not valid TOML: {what}.") from error
    except ValidationError as error:
        # Values are not repeated: one may be a secret that was written in the wrong place.
        faults = "; ".join(_fault(fault, text) for fault in setting_faults(model, error, shown=False))
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path}: {faults}.") from None


def _fault(fault: SettingFault, text: str) -> str:
    """One fault as a person reads it: 'line 4, [exchange] requests_in_flight: ...'."""
    keys = [str(part) for part in fault.keys]
    line = _line_of(keys, text)
    where = f"[{keys[0]}]" + (f" {'.'.join(keys[1:])}" if len(keys) > 1 else "") if keys else "the file"
    return (f"line {line}, " if line else "") + f"{where}: {fault.wrong}"


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
