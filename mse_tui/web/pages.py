"""The pages of the retrieval service: plain HTML without scripts, light and dark, for phones and desktops.

Pure functions. Whatever comes from a message is made printable and escaped.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape

from mse_tui.text import printable, size_text

STYLE = """
:root { color-scheme: light dark; --ground: #f6f6f4; --paper: #fff; --ink: #1d1d1f; --soft: #5c5c62; --line: #d4d4d8;
  --key: #1f4f8b; --key-ink: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #161618; --paper: #202023; --ink: #ececee; --soft: #a5a5ad;
  --line: #3f3f46; --key: #8ab4f0; --key-ink: #10131a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 24px 16px; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 24px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; }
h1 { margin: 0 0 16px; font-size: 1.25rem; font-weight: 600; }
p { margin: 12px 0; }
dl { margin: 0 0 20px; display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; margin: 12px 0 4px; }
input { width: 100%; padding: 9px 10px; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; }
button, .button { display: inline-block; margin-top: 8px; padding: 10px 20px; font: inherit; font-weight: 600;
  color: var(--key-ink); background: var(--key); border: 0; border-radius: 6px; text-decoration: none;
  cursor: pointer; }
button.plain { margin: 0; padding: 0; font-weight: 400; color: inherit; background: none; text-decoration: underline; }
:focus-visible { outline: 3px solid var(--key); outline-offset: 2px; }
.soft, footer { color: var(--soft); font-size: .875rem; }
footer { max-width: 36rem; margin: 12px auto 0; padding: 0 24px; }
footer form { display: inline; }
@media (max-width: 28rem) { main { padding: 16px; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 10px; } button, .button { width: 100%; text-align: center; } button.plain { width: auto; } }
"""
STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
"""Names the style sheet in the content security policy."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What is told of a file before it is fetched."""

    name: str
    content_type: str
    size: int
    sender: str
    sent: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, and the token of the form that ends it."""

    person: str
    token: str


def offer_page(offered: Offered, action: str, token: str, signed_in: SignedIn | None) -> str:
    """What a link leads to, and the button that fetches it."""
    rows = [
        ("File", offered.name), ("Type", offered.content_type), ("Size", size_text(offered.size)),
        ("From", offered.sender), ("Date", "" if offered.sent is None else f"{offered.sent:%Y-%m-%d %H:%M} UTC"),
    ]  # fmt: skip
    listed = "".join(f"<dt>{title}</dt><dd>{_shown(value)}</dd>\n" for title, value in rows if value)
    return _page(
        "From the mail archive",
        f"<dl>\n{listed}</dl>\n"
        f'<form method="post" action="{escape(action)}">{_hidden("token", token)}'
        f'<button type="submit">Download</button></form>',
        signed_in,
    )


def sign_in_page(action: str, token: str, then: str, *, failed: bool = False) -> str:
    """Asks for a name and a password."""
    told = '<p role="alert"><b>The name or the password is not right.</b></p>\n' if failed else ""
    return _page(
        "Sign in",
        f"{told}<p>What this link leads to is kept for those who may read that mailbox. Sign in as you do in your"
        f" organisation.</p>\n"
        f'<form method="post" action="{escape(action)}">{_hidden("token", token)}{_hidden("then", then)}'
        '<label for="user">Name or mail address</label>'
        '<input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required'
        " autofocus>"
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<button type="submit">Sign in</button></form>',
    )


def elsewhere_page(address: str) -> str:
    """Asks to sign in at another service."""
    return _page(
        "Sign in",
        "<p>What this link leads to is kept for those who may read that mailbox.</p>\n"
        f'<p><a class="button" href="{escape(address)}" rel="noreferrer">Sign in with your organisation</a></p>',
    )


def nothing_page(signed_in: SignedIn | None = None) -> str:
    """One answer to whatever is wrong, out of date, revoked or not allowed."""
    return _page(
        "Nothing can be opened here",
        "<p>The link is not right, is no longer valid, or leads to something that is not yours to open.</p>\n"
        '<p class="soft">If you need the file, ask your mail administrator and name the archive id that stands in the'
        " message.</p>",
        signed_in,
    )


def again_page() -> str:
    """The form was too old, or the browser keeps no cookies."""
    return _page(
        "Please open the link again",
        "<p>This page was open for too long, or your browser does not keep cookies for this site.</p>",
    )


def too_often_page() -> str:
    """Too many requests."""
    return _page("Too many attempts", "<p>Please wait a few minutes and try again.</p>")


def failed_page() -> str:
    """Something is wrong on this side."""
    return _page(
        "This can't be given at the moment",
        "<p>Something is wrong on our side, and it has been noted. Please try again later, or ask your mail"
        " administrator.</p>",
    )


def left_page() -> str:
    """After signing out."""
    return _page("Signed out", "<p>You have signed out here.</p>")


def _page(title: str, inner: str, signed_in: SignedIn | None = None) -> str:
    footer = "" if signed_in is None else (
        f'<footer>Signed in as {_shown(signed_in.person)}. <form method="post" action="/sign-out">'
        f'{_hidden("token", signed_in.token)}<button class="plain" type="submit">Sign out</button></form></footer>\n'
    )  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{inner}\n</main>\n{footer}</body>\n</html>\n"
    )


def _shown(text: str) -> str:
    return escape(printable(text))


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'
