"""What a client says about an item that it creates or changes."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from mse_tui.sandbox.mime_edit import NewAttachment
from mse_tui.sandbox.records import Person


@dataclass(slots=True)
class Draft:
    """The properties given: columns of the item, kept properties, content."""

    kind: str
    zone: tzinfo = UTC
    """What times without an offset are meant in."""
    columns: dict[str, Any] = field(default_factory=dict)
    people: dict[str, list[Person]] = field(default_factory=dict)
    """By header: To, Cc, Bcc."""
    properties: dict[str, str] = field(default_factory=dict)
    extended: dict[str, tuple[str, str | list[str]]] = field(default_factory=dict)
    body: tuple[str, str] | None = None
    """(HTML or Text, text)"""
    mime: bytes | None = None
    attachments: list[NewAttachment] = field(default_factory=list)
