"""The themes: one accent each, readable on the terminals that administrators have; two in a terminal's own colours."""

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="dark",
    primary="#7aa2c8",
    accent="#7aa2c8",
    foreground="#d4d8dc",
    background="#14171a",
    surface="#1a1e22",
    panel="#22272c",
    success="#8fbf7f",
    warning="#dcae5a",
    error="#e0766e",
    dark=True,
    variables={"muted": "#87909a", "cursor": "#2b3a4a"},
)
LIGHT = Theme(
    name="light",
    primary="#1f5f99",
    accent="#1f5f99",
    foreground="#1d2126",
    background="#fcfcfa",
    surface="#f1f2f0",
    panel="#e6e8e6",
    success="#2c6e1f",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={"muted": "#5c646d", "cursor": "#cfe0f1"},
)


def _in_the_terminals_colours(name: str, accent: str) -> Theme:
    """Text in the terminal's own foreground: bright black, which is made for dim text, is hard to read in some."""
    built_in = BUILTIN_THEMES[name]
    ours = {"muted": "ansi_default", "cursor": "ansi_default"}
    return replace(built_in, primary=accent, accent=accent, variables={**built_in.variables, **ours})


ANSI_DARK = _in_the_terminals_colours("ansi-dark", "ansi_cyan")
ANSI_LIGHT = _in_the_terminals_colours("ansi-light", "ansi_blue")
