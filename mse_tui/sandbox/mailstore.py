"""The practice organisation's persistent state: mailboxes, folders, items and a record of every change.

One SQLite file. Any number of threads; each write is one short transaction and takes the next change number, which
grows over the whole store. Message bodies are not kept unless loaded or edited: they are rendered from a seed.
"""

from collections.abc import Callable
from pathlib import Path

from mse_tui.sandbox.items import Items, UnsavedRow, unsaved_row
from mse_tui.sandbox.mime import compose
from mse_tui.sandbox.records import ItemSpec, Row

Render = Callable[[str], bytes]
"""Makes the MIME of an item from its body seed; the same seed always gives the same bytes."""


def _no_seeds(seed: str) -> bytes:
    raise LookupError(f"The mail store was opened without a renderer, so the body of {seed!r} can't be made.")


class MailStore(Items):
    """All of the above in one object. `close()` it, or use it as a context manager."""

    def __init__(self, path: Path, render: Render = _no_seeds) -> None:
        super().__init__(path)
        self.render = render

    def __enter__(self) -> "MailStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def row_of(self, spec: ItemSpec) -> Row:
        """What the row of an item would be if it were added; nothing is stored."""
        return unsaved_row(spec)

    def content(self, item: Row) -> bytes:
        """An item's MIME: as loaded, or rendered from its seed, or composed from its properties."""
        if isinstance(item, UnsavedRow):
            return item.mime
        if item["blob"] is not None:
            return self.blob(item["blob"])
        if item["body_seed"] is not None:
            return self.render(item["body_seed"])
        return compose(item)
