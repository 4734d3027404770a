"""What the tables of the configuration have in common."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("directory")
    value = value.expanduser()
    return value if value.is_absolute() or base is None else base / value


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path; one that is not absolute is relative to the configuration file."""


class Section(BaseModel):
    """A table of the file. Unknown keys are refused: a misspelt one would silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
