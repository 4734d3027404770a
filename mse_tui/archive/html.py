"""HTML bodies as plain text for reading on a terminal; nothing is fetched and nothing is run."""

import re
from html.parser import HTMLParser

_SILENT = frozenset(["script", "style", "title", "template"])
_BLOCKS = frozenset(["address", "article", "blockquote", "br", "caption", "center", "dd", "div", "dl", "dt", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "tr", "ul"])  # fmt: skip
_MANY_LINES = re.compile(r"\n\s*\n\s*\n+")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")


class _Text(HTMLParser):
    """Collects what a reader sees; a link's address follows its text where it says something else."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent: list[str] = []
        self._link = ""
        self._link_start = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag == "body":
            self._silent.clear()
        elif tag in _BLOCKS:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "a":
            self._link, self._link_start = dict(attrs).get("href") or "", len(self.pieces)
        elif tag == "img" and (described := dict(attrs).get("alt")):
            self.pieces.append(f"[{described}]")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent and self._silent.pop() != tag:
                pass
        elif tag in ("head", "body"):
            self._silent.clear()
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag == "a" and self._link:
            shown = "".join(self.pieces[self._link_start :]).strip()
            if self._link.removeprefix("mailto:") != shown and not self._link.startswith(("#", "cid:", "data:")):
                self.pieces.append(f" <{self._link}>")
            self._link = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data.replace("\n", " "))


def text_of(html: str) -> str:
    """What a reader sees of an HTML body."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(parser.pieces).split("\n"))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip()
