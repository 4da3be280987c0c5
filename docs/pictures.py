r"""Makes the pictures of the documentation from a run of the bundled mine, in Chromium without a window.

    pitwise solve mzo --out runs/mzo --report
    pitwise report runs/mzo --pictures
    pitwise compare runs/mzo runs/mill-18000 --out compare.html
    pitwise study mzo-mill-option --out studies/option --report
    pitwise board runs/mzo &
    python docs/pictures.py runs/mzo --study studies/option --hill studies/mzo-tailings \
        --compare compare.html --board http://127.0.0.1:8321/

The tests take those of a run and of a comparison into a folder of their own, so that this script is known to work.

Without a study, the page of a comparison or the address of a board its picture is left as it is; so are those of the
workbook, where there is no LibreOffice, and of the pit by VTK, where the run has none.

Needs Chromium and its driver (Debian: chromium, chromium-driver), for the workbook LibreOffice (libreoffice-calc), and
the packages of ``pip install -e '.[test]'``.
"""

from __future__ import annotations

import argparse
import base64
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

PLACE = Path(__file__).parent / "_static"
COLOURS = 256
PATIENCE_S = 400
WINDOW = {"height": 900, "deviceScaleFactor": 1, "mobile": False}


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


STUDY_PICTURE = Picture("study.png", 1440, "header.top", "#option", "bottom")
HILL_PICTURE = Picture("study-hill.png", 1440, "#hill", "#plot-hill")
TORNADO_PICTURE = Picture("study-tornado.png", 760, "#tornado", "#plot-tornado")
COMPARISON_PICTURE = Picture("compare.png", 1440, "header.top", "#strip", "bottom")
STILL, STILL_WIDTH = "pit-2015.png", 1000
SHEETS = {"Schedule": "workbook.png", "Cash flow": "workbook-cash.png"}
FIRST_PAGE = (
    'pdf:calc_pdf_Export:{"PageRange":{"type":"string","value":"1"},"ExportNotes":{"type":"boolean","value":"false"}}'
)
"""How LibreOffice is told to print a first sheet, without the notes on its cells."""
PRINT_SHOWN_S, PAPER_SHARE = 2.0, 0.5
"""How long a print is waited for at a time, and how much of the window is white once it is shown."""


def main(  # noqa: PLR0917 - a folder or address for each kind of picture
    run: str,
    study: str | None = None,
    board: str | None = None,
    hill: str | None = None,
    tornado: str | None = None,
    compare: str | None = None,
    out: str | Path = PLACE,
) -> None:
    """Takes every picture into a folder."""
    place = Path(out)
    place.mkdir(parents=True, exist_ok=True)
    take_still(Path(run), place)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-unsafe-swiftshader",
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    page = (Path(run) / "report.html").resolve().as_uri()
    try:
        for sheet, name in SHEETS.items():
            take_sheet(browser, Path(run) / "report.xlsx", sheet, place / name)
        for picture in PICTURES:
            take(browser, page, picture, place)
        for folder, picture in ((study, STUDY_PICTURE), (hill, HILL_PICTURE), (tornado, TORNADO_PICTURE)):
            if folder is not None:
                take(browser, (Path(folder) / "study.html").resolve().as_uri(), picture, place)
        if compare is not None:
            take(browser, Path(compare).resolve().as_uri(), COMPARISON_PICTURE, place)
        if board is not None:
            take_board(browser, board, place)
    finally:
        browser.quit()


def take(browser: webdriver.Chrome, page: str, picture: Picture, place: Path) -> None:
    """Opens the page, sets the slider, and keeps the part that is wanted with few colours."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**WINDOW, "width": picture.width})
    light = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
    browser.get(page)
    if picture.period is not None:
        move = "const s = document.getElementById('solid-year'); s.value = arguments[0];"
        move += "s.dispatchEvent(new Event('input'))"
        browser.execute_script(move, str(picture.period))
    drawn = "return document.documentElement.dataset.drawn === 'all'"
    drawn += "&& !document.querySelector('.scene:not([data-drawn])')"
    WebDriverWait(browser, PATIENCE_S).until(lambda page: page.execute_script(drawn))
    if picture.period is not None:
        seen = "return document.getElementById('solid').dataset.drawn.split(',')[0] === arguments[0]"
        WebDriverWait(browser, PATIENCE_S).until(lambda page: page.execute_script(seen, str(picture.period)))
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    edge = "return document.querySelector(arguments[0]).getBoundingClientRect()[arguments[1]] + scrollY"
    first = max(0, int(browser.execute_script(edge, picture.top, "top")) - 14)
    last = int(browser.execute_script(edge, picture.bottom, picture.end)) + (14 if picture.end == "bottom" else -14)
    clip = {"x": 0, "y": first, "width": picture.width, "height": last - first, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    keep(shot["data"], place / picture.name)


def take_board(browser: webdriver.Chrome, address: str, place: Path) -> None:
    """Moves the mill's slider two steps up, solves, and keeps the page."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**WINDOW, "width": 1100, "height": 980})
    browser.get(address)
    wait = WebDriverWait(browser, PATIENCE_S)
    wait.until(lambda page: page.find_elements("id", "lever-mill"))[0].send_keys("\ue014\ue014")
    wait.until(lambda page: page.find_element("id", "lever-mill-told").text.startswith("110 %"))
    browser.execute_script("document.getElementById('solve').click()")
    wait.until(lambda page: len(page.find_elements("css selector", "#answer .js-plotly-plot .ytitle")) == 2)
    browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    keep(browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"], place / "board.png")


def take_still(run: Path, place: Path) -> None:
    """Keeps the picture of the pit that VTK drew, if it did."""
    if (run / STILL).is_file():
        image = Image.open(run / STILL).convert("RGB")
        image.thumbnail((STILL_WIDTH, STILL_WIDTH))
        save(image, place / STILL)


def take_sheet(browser: webdriver.Chrome, workbook: Path, sheet: str, file: Path) -> None:
    """Prints a sheet with its charts by LibreOffice, as the first of a copy, and keeps what Chromium shows of it."""
    office = shutil.which("soffice")
    if office is None or not workbook.is_file():
        return
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch) / "first.xlsx"
        with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(first, "w", zipfile.ZIP_DEFLATED) as new:
            for item in old.infolist():
                data = old.read(item)
                new.writestr(item, first_sheet(data.decode(), sheet) if item.filename == "xl/workbook.xml" else data)
        profile = f"-env:UserInstallation={(Path(scratch) / 'profile').as_uri()}"
        command = [office, profile, "--headless", "--convert-to", FIRST_PAGE, "--outdir", scratch, str(first)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)  # noqa: S603 - found above
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**WINDOW, "width": 1800, "height": 1260})
        browser.get(f"{(Path(scratch) / 'first.pdf').as_uri()}#toolbar=0&navpanes=0&view=FitH")
        image = shown_at_last(browser)
    # Without the margin of the sheet, and the foot of the page.
    inner = image.crop((20, 20, image.width - 30, round(0.9 * image.height)))
    written = ImageChops.difference(inner, Image.new("RGB", inner.size, "white")).getbbox()
    save(inner.crop(written), file)


def shown_at_last(browser: webdriver.Chrome) -> Image.Image:
    """What Chromium shows of a print: nothing tells when it is there, but paper is white, and then nothing changes."""
    before, end = None, time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        time.sleep(PRINT_SHOWN_S)
        shot = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"])
        image = Image.open(io.BytesIO(shot)).convert("RGB")
        white = image.convert("L").histogram()[255] / (image.width * image.height)
        if shot == before and white > PAPER_SHARE:
            return image
        before = shot
    raise SystemExit("the print was never shown")


def first_sheet(book: str, sheet: str) -> str:
    """The parts of a workbook with that sheet first; names of print areas, which go by number, are left out."""
    mine = re.search(rf'<sheet name="{sheet}"[^>]*/>', book)
    if mine is None:
        raise SystemExit(f"no sheet {sheet}")
    book = book.replace(mine[0], "").replace("<sheets>", f"<sheets>{mine[0]}")
    return re.sub(r"<definedNames>.*</definedNames>", "", book, flags=re.DOTALL)


def keep(data: str, file: Path) -> None:
    """Writes a picture of the browser."""
    save(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), file)


def save(image: Image.Image, file: Path) -> None:
    """Writes a picture with few colours."""
    # Colours of small areas, as those of a legend, are kept too.
    image.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)
    sys.stdout.write(f"{file}: {image.width} x {image.height}, {file.stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run with its report")
    parser.add_argument("--study", help="folder of a study with an option")
    parser.add_argument("--hill", help="folder of a study with a grid")
    parser.add_argument("--tornado", help="folder of a study with a tornado")
    parser.add_argument("--compare", help="page of a comparison")
    parser.add_argument("--board", help="address of a board of the run")
    parser.add_argument("--out", default=PLACE, help="folder of the pictures; docs/_static unless given")
    main(**vars(parser.parse_args()))
