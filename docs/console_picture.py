"""Write docs/console.png, the console's page on a function, of this checkout's own stack in Debian's chromium."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[1]
COMMAND = [str(Path(sys.executable).with_name("aurora-lambda"))]
WIDTH, HEIGHT, COLOURS = 1280, 860, 160
PAYLOADS = ('{"command": "create"}', '{"command": "delete"}', '{"command": "get", "limit": 1}')
WAIT_SECONDS = 120


def main() -> None:
    """Bring the stack up, invoke its handler in the console, and write what the page looks like then."""
    subprocess.run([*COMMAND, "up", "--quiet"], cwd=ROOT, check=True)
    address = subprocess.run([*COMMAND, "console", "--print"], cwd=ROOT, check=True, capture_output=True, text=True)
    options = Options()
    for flag in ("--headless=new", "--hide-scrollbars", *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(flag)
    # Named, so that selenium looks for none on the internet.
    with webdriver.Chrome(options, Service(shutil.which("chromedriver"))) as browser:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(address.stdout.strip())
        wait = WebDriverWait(browser, WAIT_SECONDS)
        wait.until(lambda _: browser.find_elements(By.LINK_TEXT, "handler"))
        browser.find_element(By.LINK_TEXT, "handler").click()
        for payload in PAYLOADS:
            field = browser.find_element(By.ID, "payload")
            field.clear()
            field.send_keys(payload)
            browser.find_element(By.CSS_SELECTOR, "form[method=post] button").click()
            wait.until(staleness_of(field))
            wait.until(lambda _: browser.find_elements(By.ID, "answer"))
        browser.execute_script("scrollTo(0, 0)")
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
    picture.convert("RGB").quantize(COLOURS).save(ROOT / "docs" / "console.png", optimize=True)


if __name__ == "__main__":
    main()
