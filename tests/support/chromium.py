"""A real browser for tests: Debian's Chromium, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.waiting import until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element."""
_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


class WindowError(Exception):
    """The browser could not do it, or not now."""


def missing() -> str:
    """Why there is no browser here; '' where there is one."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (Debian: chromium, chromium-driver)" if absent else ""


class Chromium:
    """One browser window."""

    def __init__(self, session: str, downloads: Path) -> None:
        self._session = session
        self.downloads = downloads

    def open(self, address: str) -> None:
        self._command("url", {"url": address})

    @property
    def title(self) -> str:
        return self._ask("title")

    @property
    def text(self) -> str:
        return self._ask(f"element/{self._element('body')}/text")

    @property
    def address(self) -> str:
        return self._ask("url")

    def sees(self, *texts: str) -> None:
        """Wait until the page shows all of these: what follows a click comes in its own time."""
        self._comes_to(lambda: all(text in self.text for text in texts))

    def gets_to(self, address: str) -> None:
        """Wait until the address begins so."""
        self._comes_to(lambda: self.address.startswith(address))

    def _comes_to(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            try:
                return condition()
            except WindowError:
                return False  # between two pages there is no body, or one that is gone already

        until(holds, 20)

    def type(self, selector: str, text: str) -> None:
        self._command(f"element/{self._element(selector)}/value", {"text": text})

    def click(self, selector: str) -> None:
        self._command(f"element/{self._element(selector)}/click", {})

    def resize(self, width: int, height: int) -> None:
        self._command("window/rect", {"width": width, "height": height})

    def run(self, script: str) -> object:
        """What a script returns, run by the driver; pages themselves run none."""
        return self._command("execute/sync", {"script": script, "args": []})

    def complaints(self) -> list[str]:
        """What the browser says against the pages so far."""
        return [entry["message"] for entry in self._command("se/log", {"type": "browser"})]

    def downloaded(self) -> bytes:
        """The content of the one file that was downloaded; it is removed."""
        until(self._whole, 20)
        (path,) = self._whole()
        content = path.read_bytes()
        path.unlink()
        return content

    def _whole(self) -> list[Path]:
        """The files that are no longer on their way."""
        return [each for each in self.downloads.glob("[!.]*") if each.suffix != ".crdownload"]

    def _element(self, selector: str) -> str:
        return self._command("element", {"using": "css selector", "value": selector})[ELEMENT]

    def _ask(self, what: str):
        return _value(requests.get(f"{self._session}/{what}", timeout=60))

    def _command(self, what: str, body: dict):
        return _value(requests.post(f"{self._session}/{what}", json=body, timeout=60))


@contextmanager
def chromium(directory: Path, *arguments: str) -> Iterator[Chromium]:
    """A browser with a profile of its own."""
    downloads = directory / "downloads"
    downloads.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    origin = f"http://127.0.0.1:{port}"
    session = ""
    try:
        until(lambda: _is_ready(origin), 30)
        options = {
            "args": [*_ARGUMENTS, *arguments, f"--user-data-dir={directory / 'profile'}"],
            "prefs": {"download.default_directory": str(downloads), "download.prompt_for_download": False},
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = _value(requests.post(f"{origin}/session", json={"capabilities": {"alwaysMatch": wanted}}, timeout=120))
        session = f"{origin}/session/{made['sessionId']}"
        yield Chromium(session, downloads)
    finally:
        if session:
            requests.delete(session, timeout=30)
        driver.terminate()
        driver.wait(20)


def _is_ready(origin: str) -> bool:
    try:
        return bool(requests.get(f"{origin}/status", timeout=5).json()["value"]["ready"])
    except requests.ConnectionError:
        return False


def _value(response: requests.Response):
    value = response.json()["value"]
    if response.status_code != 200:
        raise WindowError(value)
    return value
