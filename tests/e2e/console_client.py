"""Clients of the console: one that speaks HTTP, and Debian's chromium."""

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.services import require

FLAGS = ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage")


class _Text(HTMLParser):
    """The words of a page's main part; what a link or a button leads to is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside |= tag == "main"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.words += data.split()


@dataclass
class ConsoleClient:
    """What a browser does: keeps the cookie, and says where a form comes from."""

    address: str
    cookie: str = ""

    def log_in(self) -> None:
        """Follow the link that `up` prints."""
        _, headers, _ = self.request("GET", f"/?{urlsplit(self.address).query}")
        self.cookie = headers["Set-Cookie"].partition(";")[0]

    def request(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], str]:
        """Return a status, headers and a body."""
        host = urlsplit(self.address).netloc
        sent = {"Cookie": self.cookie, "Origin": f"http://{host}", **headers}
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        with closing(HTTPConnection(host, timeout=240)) as connection:
            connection.request(method, path, urlencode(form) if form is not None else None, sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode()

    def words(self, path: str) -> str:
        """Return the words of a page's main part on one line; each time is `TIME`, and each request's id `ID`."""
        status, _, body = self.request("GET", path)
        page = _Text()
        page.feed(body)
        assert status == 200, body
        text = re.sub(r"\d\d:\d\d:\d\d\b", "TIME", " ".join(page.words))
        return re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", text)

    def post(self, path: str, /, **form: str) -> str:
        """Send a form, and return where the answer leads."""
        status, headers, body = self.request("POST", path, form)
        assert status == 303, body
        return headers["Location"]


def open_chromium() -> webdriver.Chrome:
    """Return a browser; the test is skipped where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    require(browser and driver, "chromium is not installed: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = str(browser)
    for flag in (*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(flag)
    return webdriver.Chrome(options, Service(str(driver)))
