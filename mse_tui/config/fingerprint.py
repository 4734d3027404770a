"""Telling whether the configuration is still what was read: the file, and the files of secrets and certificates."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel

from mse_tui.config.file import text_of
from mse_tui.reasons import Problem

_READ_EACH_TIME = ("keep_executions_days", "keep_audit_days")
"""Of [engine]: a change holds from the next pruning on."""
_LOOKED_AT_AGAIN: Mapping[str, tuple[str, ...]] = {
    "web": ("certificate_file", "key_file"),
    "mail": ("password_file", "ca_file"),
    "webhook": ("ca_file",),
}
"""By table, files of which a running engine takes up the content by itself."""


def fingerprint(path: Path, configuration: BaseModel) -> bytes:
    """A digest of what the file says and of every file that it names; equal until one of them changes, comes or goes.

    Without what a running engine takes up by itself.
    """
    found = hashlib.sha256(_said(path))
    for one in _files(configuration):
        with suppress(OSError):
            found.update(hashlib.sha256(one.read_bytes()).digest())
        found.update(str(one).encode(errors="surrogateescape"))
    return found.digest()


def _said(path: Path) -> bytes:
    """The file's tables, or what else stands in it."""
    try:
        tables = tomllib.loads(text_of(path) or "")
    except (Problem, tomllib.TOMLDecodeError):
        with suppress(OSError):
            return path.read_bytes()
        return b""
    if isinstance(engine := tables.pop("engine", {}), dict):
        engine = {name: value for name, value in engine.items() if name not in _READ_EACH_TIME}
    return json.dumps([tables, engine], sort_keys=True, default=str).encode()


def _files(configuration: BaseModel) -> Iterator[Path]:
    for table, section in configuration:
        if isinstance(section, BaseModel):
            for name, value in section:
                if isinstance(value, Path) and name not in _LOOKED_AT_AGAIN.get(table, ()):
                    yield value
