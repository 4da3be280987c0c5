"""Makes the pictures of the documentation from a run of the bundled mine, in Chromium without a window.

    pitwise solve mzo --out runs/mzo --report
    python docs/pictures.py runs/mzo

Needs Chromium and its driver (Debian: chromium, chromium-driver) and the packages of ``pip install -e '.[test]'``.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selenium import webdriver

PLACE = Path(__file__).parent / "_static"
COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """A picture of a part of the page.

    Attributes:
        name: of its file.
        width: of the window, pixels.
        top: selector of the element where it begins.
        bottom: selector of the one where it ends.
        end: edge of that one: ``top`` or ``bottom``.
        period: where the slider stands, counted from the start; ``None`` leaves it.
    """

    name: str
    width: int
    top: str
    bottom: str
    end: str = "bottom"
    period: int | None = None


PICTURES = (
    Picture("report.png", 1440, "header.top", "#feed", "bottom"),
    Picture("report-pit.png", 1440, "#pit", "#plans", "bottom", 5),
    Picture("report-cash.png", 1440, "#cash-flow", "#published", "top"),
    Picture("report-phone.png", 390, "header.top", "#mined", "bottom"),
)


def main(run: str) -> None:
    """Takes every picture."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    page = (Path(run) / "report.html").resolve().as_uri()
    try:
        for picture in PICTURES:
            take(browser, page, picture)
    finally:
        browser.quit()


def take(browser: webdriver.Chrome, page: str, picture: Picture) -> None:
    """Opens the page, sets the slider, and keeps the part that is wanted with few colours."""
    size = {"width": picture.width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    light = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
    browser.get(page)
    if picture.period is not None:
        move = "const s = document.getElementById('solid-year'); s.value = arguments[0];"
        move += "s.dispatchEvent(new Event('input'))"
        browser.execute_script(move, str(picture.period))
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    edge = "return document.querySelector(arguments[0]).getBoundingClientRect()[arguments[1]] + scrollY"
    first = max(0, int(browser.execute_script(edge, picture.top, "top")) - 14)
    last = int(browser.execute_script(edge, picture.bottom, picture.end)) + (14 if picture.end == "bottom" else -14)
    clip = {"x": 0, "y": first, "width": picture.width, "height": last - first, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    file = PLACE / picture.name
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    sys.stdout.write(f"{file}: {image.width} x {image.height}, {file.stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1])
