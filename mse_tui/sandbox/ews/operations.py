"""All operations: importing this registers every handler."""

from mse_tui.sandbox.ews import (
    attachments,
    create_item,
    delegates,
    directory,
    find_item,
    folders,
    get_item,
    move_items,
    sync,
    time_zones,
    update_item,
)

MODULES = (
    attachments, create_item, delegates, directory, find_item, folders, get_item, move_items, sync, time_zones,
    update_item,
)  # fmt: skip
"""Each registers its operations when it is imported."""
