"""The configuration file as text and as what a model makes of it.

Every failure names the file, the line where it can be told, the key, and what is wrong with it.
"""

import difflib
import re
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from mse_tui.reasons import Problem, Reason

_Model = TypeVar("_Model", bound=BaseModel)


def text_of(path: Path) -> str | None:
    """The file's text; None where there is no file. Raises Problem configuration-invalid when it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
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
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults = "; ".join(_fault(fault, text, model) for fault in found)
        raise Problem(Reason.CONFIGURATION_INVALID, f"{path}: {faults}.") from None


def _fault(fault: Any, text: str, model: type[BaseModel]) -> str:
    """One validation fault as a person reads it: 'line 4, [exchange] requests_in_flight: ...'."""
    keys = [str(part) for part in fault["loc"]]
    line = _line_of(keys, text)
    where = f"[{keys[0]}]" + (f" {'.'.join(keys[1:])}" if len(keys) > 1 else "") if keys else "the file"
    message = _message(fault, keys, model)
    return (f"line {line}, " if line else "") + f"{where}: {message}"


def _message(fault: Any, keys: list[str], model: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _known_keys(model, keys[:-1]), n=1)
        return "unknown key" + (f", did you mean {close[0]}?" if close else "")
    if fault["type"] == "missing":
        return "is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _known_keys(model: Any, parents: list[str]) -> list[str]:
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
