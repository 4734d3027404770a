"""All operations: importing this registers every handler."""
