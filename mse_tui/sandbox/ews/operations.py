"""All operations: importing this registers every handler."""

from mse_tui.sandbox.ews import (
    attachments,
    create_item,
    find_item,
    folders,
    get_item,
    move_items,
    sync,
    update_item,
)

MODULES = (attachments, create_item, find_item, folders, get_item, move_items, sync, update_item)
"""Each registers its operations when it is imported."""
