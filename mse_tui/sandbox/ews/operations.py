"""All operations: importing this registers every handler."""

from mse_tui.sandbox.ews import folders, get_item, sync

MODULES = (folders, get_item, sync)
"""Each registers its operations when it is imported."""
