"""Uses the page in a real browser, as a visitor would. As a program it takes the picture of docs/app.md:

python tests/hawkeye_core/app/page_driver.py http://127.0.0.1:7860/ VIDEO PICTURE.png [WIDTH]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))
from browser import Browser, browser  # of the tests of the report; there are no packages of tests

READY = "!!document.querySelector('.hk-zone input')"
DONE = "!document.querySelector('.hk-notice.working') && !!document.querySelector('#hk-status .hk-notice')"


class Visitor:
    """One page of a browser, with the page of Hawkeye in it."""

    def __init__(self, one: Browser, url: str) -> None:
        self.one, self.url = one, url

    def open(self, *, width: int = 1280, height: int = 1000, dark: bool = False) -> None:
        self.look(width=width, height=height, dark=dark)
        self.one.loaded = False
        self.one.call("Page.navigate", url=self.url)
        while not self.one.loaded:
            self.one._event(self.one._next())
        self.wait(READY)

    def look(self, *, width: int, height: int = 1000, dark: bool = False) -> None:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.one.call("Emulation.setEmulatedMedia", features=scheme)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.one.call("Emulation.setDeviceMetricsOverride", **size)

    def wait(self, script: str, *, seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not self.one.evaluate(script):
            assert time.monotonic() < end, f"not in {seconds} s: {script}\n{self.words('body')}"
            time.sleep(0.1)

    def send(self, video: Path) -> None:
        """Choose a file; the page takes it from there."""
        found = self.one.call("Runtime.evaluate", expression="document.querySelector('.hk-zone input')")
        self.one.call("DOM.setFileInputFiles", files=[str(video)], objectId=found["result"]["objectId"])
        self.wait("!!document.querySelector('#hk-status .hk-notice')")

    def words(self, selector: str) -> str:
        return str(self.one.evaluate(f"document.querySelector({selector!r})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        self.one.evaluate(f"document.querySelector({selector!r}).click()")

    def ask(self, question: str) -> None:
        self.one.evaluate("document.querySelector('#hk-question').querySelector('textarea, input').focus()")
        self.one.call("Input.insertText", text=question)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.one.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **enter)
        self.one.call("Input.dispatchKeyEvent", type="keyUp", **enter)

    def number(self, script: str) -> float:
        value: Any = self.one.evaluate(script)
        return float(value)


def main(url: str, video: str, picture: str, width: str = "1280") -> None:
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder)) as one:
        visitor = Visitor(one, url)
        visitor.open(width=int(width))
        visitor.send(Path(video).resolve())
        visitor.wait(DONE, seconds=600)
        visitor.wait("(document.querySelector('video')?.readyState ?? 4) > 1")
        time.sleep(1)
        image = one.picture(whole=True)
        cv2.imwrite(picture, image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"{picture}: {image.shape[1]} x {image.shape[0]}, {Path(picture).stat().st_size / 1000:.0f} kB")
        print(visitor.words("#hk-status"))


if __name__ == "__main__":
    main(*sys.argv[1:])
