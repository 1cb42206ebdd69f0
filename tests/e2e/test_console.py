"""The console of a running stack, over HTTP and in a browser."""

import json
import re
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.checkout import Checkout
from tests.e2e.console_client import ConsoleClient, open_chromium
from tests.services import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.slow

STREAM = """
from pathlib import Path

from aurora_lambda_runtime.handler.streams import StreamRecord, stream_handler


@stream_handler
def process(record: StreamRecord) -> None:
    if not Path({flag!r}).exists():
        raise ValueError("out of cheese")
    print("copied", record.keys)
"""
STREAMS = """
  aurora-lambda:streams:
    - name: print-names
      table: items
      database: false
      maximumRetryAttempts: 0
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A service that is up, with two notes and a record that was given up."""
    folder = tmp_path_factory.mktemp("console")
    checkout = Checkout.with_sample_application(folder / "checkout")
    stream = checkout.folder / "lambda_images" / "application" / "streams" / "print_names.py"
    stream.write_text(STREAM.format(flag=str(folder / "mended")))
    with (checkout.folder / "stacks" / "Pulumi.local.yaml").open("a") as file:
        file.write(STREAMS.lstrip("\n"))
    try:
        out = checkout.run("up", "-c", "handlerMemory=192").out
        address = checkout.run("console", "--print").out.strip()
        # It is the first thing after what was done.
        assert out.partition("s).\n")[2].startswith(f"\nConsole: {address}\n\nOutputs:\n")
        for text in ("first", "second"):
            assert checkout.curl("POST", "/notes", json.dumps({"text": text}))[0] == 201
        checkout.run("put-item", "items", '{"id": "1"}')
        yield checkout
    finally:
        checkout.run("down")


@pytest.fixture(scope="module")
def console(checkout: Checkout) -> ConsoleClient:
    """A client that has followed the link."""
    client = ConsoleClient(checkout.run("console", "--print").out.strip())
    client.log_in()
    return client


@pytest.fixture(scope="module")
def browser(checkout: Checkout) -> Iterator[Chrome]:
    """A browser that has followed the link."""
    browser = open_chromium()
    browser.get(checkout.run("console", "--print").out.strip())
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda _: browser.find_elements(By.TAG_NAME, "h1"))
    yield browser
    browser.quit()


def test_the_overview_says_what_runs_and_what_failed(console: ConsoleClient) -> None:
    """Whoever opens it would not see that a record was given up."""
    assert eventually(lambda: "1 given up" in console.words("/"), interval=0.5)
    words = console.words("/")
    assert words.startswith(
        "local postgres, eu-west-1 3 functions no revisions to look at no messages waiting 1 given up"
        " Functions Function State Memory Timeout Last error"
    )
    assert "handler warm 1 192 MB 15 s none" in words
    assert re.search(r"print-names warm 1 \d+ MB 60 s TIME ERROR INSERT [0-9a-f]+ of table", words)
    assert "Outputs databaseEndpoint 127.0.0.1 engine postgres functionUrl http://127.0.0.1:" in words


def test_a_function_is_invoked_and_its_log_filtered_by_the_request(console: ConsoleClient) -> None:
    """A payload would have to be typed in a shell each time, and its lines picked out of all others."""
    assert "Invoke Payload (JSON) {} Invoke" in console.words("/functions/handler")
    shown = console.post("/functions/handler", payload='{"command": "list", "limit": 1}')
    words = console.words(shown)
    assert re.search(
        r'ok \d+ ms, TIME its log \[ \{ "id": "ID", "text": "second", "created_at": ".*" \} \] History', words
    )
    failed = console.words(console.post("/functions/handler", payload='{"command": "nope"}'))
    assert "failed" in failed
    assert '"errorMessage": "unknown command \'nope\': the allowed commands are add, list"' in failed
    status, _, body = console.request("POST", "/functions/handler", {"payload": "{nope"})
    assert (status, "the payload is not JSON" in body) == (409, True)
    request_id = re.findall(r'href="\?request=([0-9a-f-]{36})&amp;attempt=', console.request("GET", shown)[2])[0]
    lines = console.words(f"/functions/handler?request={request_id}").partition("Filter")[2].split()
    assert lines[:4] == [request_id[:8], "TIME", "REPORT", f"{request_id[:8]}:"]
    assert "there is no function &#39;nope&#39; here; there are:" in console.request("GET", "/functions/nope")[2]


def test_a_route_is_listed_and_tried(console: ConsoleClient) -> None:
    """A developer would look for the paths in the code, and leave for another tool to try one."""
    assert "GET /notes Try POST /notes Try GET /notes/count Try" in console.words("/routes")
    words = console.words(console.post("/routes", method="GET", path="/notes/count", headers="", body=""))
    assert re.search(
        r'ok \d+ ms, TIME 200 OK \{ "count": 2 \} Headers of the answer .*Content-Type: application/json', words
    )
    refused = console.request("POST", "/routes", {"method": "GET", "path": "/notes/{id}/comments"})
    assert (refused[0], "with a value for each {name}" in refused[2]) == (409, True)


def test_rows_are_shown_and_changed_only_behind_the_switch(console: ConsoleClient, checkout: Checkout) -> None:
    """A wrong click could change what somebody else tests with."""
    assert console.words("/database").startswith("Database postgres comments notes alembic_version migration_checksums")
    words = console.words("/database/notes?column=text&operator=contains&operand=SECOND")
    assert re.search(r"notes 1 row .*Editing is off .* ID second", words)
    assert "read-only: the migration runner keeps it" in console.words("/database/alembic_version")
    [[note]] = [
        line.split() for line in checkout.run("sql", "SELECT id FROM notes WHERE text = 'first'").out.splitlines()[2:3]
    ]
    seen = {"id": note, "text": "first"}
    form = {"key.id": note, "value.text": "changed", "seen": json.dumps(seen), "action": "update"}
    assert "only where editing is switched on" in console.request("POST", "/database/notes/row", form)[2]
    page = console.request("GET", f"/database/notes/row?key.id={note}")[2]
    form["seen"] = re.findall(r'name="seen" value="([^"]*)"', page)[0].replace("&#34;", '"')
    assert console.post("/database/notes/row", **form, edit="1") == "/database/notes?edit=1"
    assert console.words("/database/notes?edit=1").startswith("Saved. notes 2 rows")
    assert "changed" in checkout.run("sql", "SELECT text FROM notes").out


def test_revisions_configuration_and_what_waits_are_shown(console: ConsoleClient) -> None:
    """Three commands would have to be known, and none says where a value comes from."""
    words = console.words("/migrations")
    assert words.startswith("Migrations postgres at 0004 up to date 0004 index comments by note applied CREATE INDEX")
    assert "0001 create notes applied CREATE TABLE notes ( id UUID NOT NULL" in words
    words = console.words("/configuration")
    assert "engine Pulumi.local.yaml postgres Database engine: Aurora MySQL" in words
    assert "handlerMemory -c, for this up (not kept) Memory of the handler" in words
    assert "handlerTimeout default 15" in words
    words = console.words("/picture")
    assert "migrations Migration needs AuroraDatabase main-db aws:" in words
    words = console.words("/streams")
    assert "print-names Enabled aurora-lambda-local-items → print-names " in words
    assert "RetryAttemptsExhausted, 1 record" in words


def test_records_given_up_are_replayed_by_a_click(console: ConsoleClient, checkout: Checkout) -> None:
    """They would wait until somebody finds the command."""
    assert console.post("/streams/print-names/replay") == "/streams"
    assert re.match(
        r"\S+ (\d+) to \1: the function gave back \1 failures replayed: 0, records: 0"
        r" failures that failed again, and were kept: 1 Streams",
        console.words("/streams"),
    )
    (checkout.folder.parent / "mended").touch()
    console.post("/streams/print-names/replay")
    assert console.words("/streams").startswith("failures replayed: 1, records: 1")
    assert eventually(lambda: "nothing given up" in console.words("/"), interval=0.5)


def test_lines_come_while_one_looks(browser: Chrome, checkout: Checkout) -> None:
    """Somebody who watches a function would have to load the page again and again."""
    browser.find_element(By.LINK_TEXT, "print-names").click()
    browser.find_element(By.CSS_SELECTOR, ".log")
    checkout.run("invoke", "print-names", '{"Records": []}')
    log = browser.find_element(By.CSS_SELECTOR, ".log")
    before = len(log.find_elements(By.CSS_SELECTOR, ".line"))
    checkout.run("invoke", "print-names", '{"Records": []}')
    assert eventually(lambda: len(log.find_elements(By.CSS_SELECTOR, ".line")) > before, interval=0.2)


def test_everything_is_reached_by_keys(browser: Chrome) -> None:
    """Who uses no mouse could not get from page to page, or send what is typed."""
    browser.get(browser.current_url.partition("/functions")[0] + "/")
    browser.find_element(By.TAG_NAME, "body").send_keys("g", "d")
    assert eventually(lambda: browser.current_url.endswith("/database"), interval=0.1)
    browser.get(browser.current_url.replace("/database", "/functions/handler"))
    payload = browser.find_element(By.ID, "payload")
    payload.clear()
    payload.send_keys('{"command": "list", "limit": 2}', Keys.CONTROL, Keys.ENTER)
    assert eventually(lambda: "attempt=" in browser.current_url, interval=0.1)
    assert '"text": "second"' in browser.find_element(By.CSS_SELECTOR, "#answer pre").text
    # The first stop of the tab key leads past the navigation.
    skip = browser.find_element(By.CSS_SELECTOR, "a.skip")
    assert browser.execute_script("return document.querySelector('a, button, input') === arguments[0]", skip)


PAGES = (
    "/",
    "/functions/handler",
    "/routes",
    "/database",
    "/database/notes?edit=1",
    "/migrations",
    "/streams",
    "/picture",
    "/configuration",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_narrow_screen_and_every_field_has_a_name(browser: Chrome, scheme: str) -> None:
    """On a telephone's width a page would have to be pushed about; a screen reader would say "edit text" alone."""
    site = re.sub(r"(//[^/]+)/.*", r"\1", browser.current_url)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    backgrounds = set()
    for page in PAGES:
        browser.get(f"{site}{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360, page
        fields = "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
        unnamed = browser.execute_script(f"{fields}.filter(each => !each.labels.length && !each.ariaLabel).length")
        assert (page, unnamed) == (page, 0)
        assert (page, len(browser.find_elements(By.TAG_NAME, "h1"))) == (page, 1)
        backgrounds.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == {"rgb(247, 247, 250)" if scheme == "light" else "rgb(19, 19, 24)"}
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
