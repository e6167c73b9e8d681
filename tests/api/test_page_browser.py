"""The page in a browser, on a phone and in a wide window. It needs Chromium, its driver, and `pip install selenium`."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.served import TODO, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.external

PHONE, WIDE = (390, 844), (1280, 800)
MIN_TARGET = 44
"""The least width and height in pixels of what a thumb hits (WCAG 2.5.5)."""

COUNT_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shifted += entry.value; }))
  .observe({ type: "layout-shift", buffered: true });
"""


class Page:
    """A browser at the page, and a client of the API beside it. `size` is the window's, in pixels."""

    def __init__(self, driver: Any, address: str, token: str, size: tuple[int, int]) -> None:
        self.driver, self.address, self.token = driver, address, token
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_SHIFTS})

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request beside the browser, as another client would."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def add(self, title: str, **fields: Any) -> dict[str, Any]:
        added: dict[str, Any] = self.api("POST", "todos", {"title": title, **fields})
        return added

    def open(self, fragment: str = "") -> None:
        """Load the page anew."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}/{fragment}")

    def sign_in(self) -> None:
        """Open the page by a link that carries the token."""
        self.open(f"#token={self.token}")
        self.wait_for("todo", "#status")

    def script(self, text: str, *values: Any) -> Any:
        return self.driver.execute_script(text, *values)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        self.script("document.querySelector(arguments[0]).scrollIntoView({ block: 'nearest' })", selector)
        self.one(selector).click()

    def type(self, selector: str, text: str) -> None:
        """Replace the text of a field."""
        self.one(selector).clear()
        self.one(selector).send_keys(text)

    def press(self, keys: str) -> None:
        """Type into whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(keys)

    def text(self, selector: str) -> str:
        """Return what is shown of an element, as a reader sees it; of something hidden, nothing."""
        found: str = self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return found if self.script("return document.querySelector(arguments[0])?.checkVisibility()", selector) else ""

    @property
    def titles(self) -> list[str]:
        """The titles in the list."""
        found: list[str] = self.script("return [...document.querySelectorAll('#list .title')].map(e => e.textContent)")
        return found

    @property
    def focus(self) -> str:
        """The id of what has the focus, or the title of its todo."""
        script = "const e = document.activeElement; return e.id || e.querySelector('.title')?.textContent || e.tagName"
        found: str = self.script(script)
        return found

    def wait_for(self, text: str, selector: str) -> None:
        """Wait until an element shows a text."""
        self._wait(lambda: text in self.text(selector), f"{text!r} in {selector}")

    def wait_for_titles(self, *titles: str) -> None:
        self._wait(lambda: self.titles == [*titles], f"the titles {titles}")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        try:
            wait_until(condition, what)
        except AssertionError:
            raise AssertionError(f"There is no {what} on the page:\n{self.text('body')}") from None

    def edit(self, index: int = 0) -> None:
        """Open a todo of the list."""
        self.script("document.querySelectorAll('#list .open')[arguments[0]].click()", index)
        self.wait_for("Todo", "#edit-heading")

    def faults(self) -> list[str]:
        """Return what the console has, but for answers of the API that are expected here."""
        entries = self.driver.get_log("browser")
        return [each["message"] for each in entries if each["source"] not in ("network", "recommendation")]

    def offline(self, is_offline: bool) -> None:
        conditions = {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """Chromium, without a window."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if not all(programs):
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--lang=en-GB"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1])) as found:
        yield found


def create_token(*options: str) -> str:
    command = [*TODO, "token", "create", f"browser-{uuid.uuid4().hex[:8]}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module", params=[PHONE, WIDE], ids=["phone", "wide"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def page(driver: Any, size: tuple[int, int]) -> Iterator[Page]:
    """The page of a server of its own, not signed in. At the end, its console must have no errors."""
    token = create_token()
    with serving("--max-refused", "0", log=subprocess.DEVNULL) as (_, address):
        found = Page(driver, address, token, size)
        driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})  # of this port
        driver.get_log("browser")
        yield found
        assert found.faults() == []
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_link_signs_in_and_leaves_no_token_in_the_address(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.wait_for_titles("Pay rent")
    assert page.driver.current_url == f"{page.address}/"
    assert page.script("return Object.values(localStorage)") == [page.token]
    page.open()
    page.wait_for_titles("Pay rent")


def test_pasted_token_signs_in_and_signing_out_removes_it(page: Page) -> None:
    page.open()
    page.wait_for("in this browser’s storage, until you sign out", "#sign-in-help")
    page.type("#token", f" {page.token} \n")
    page.wait_for("0 todos", "#status")
    page.click("#account-button")
    page.wait_for("which may change todos", "#who")
    page.click("#sign-out")
    page.wait_for("Token", "#sign-in-form")
    assert page.script("return localStorage.length") == 0
    assert page.one("#token").get_attribute("value") == ""


def test_refused_token_leads_to_sign_in_with_the_reason(page: Page) -> None:
    page.open("#token=todo_unknown")
    page.wait_for("The token is not valid.", "#sign-in-error")
    assert page.script("return localStorage.length") == 0
    assert page.driver.current_url == f"{page.address}/"


def test_link_with_another_token_asks_first(page: Page) -> None:
    page.sign_in()
    page.open("#token=todo_unknown")
    page.wait_for("This link has another token", "#sign-in-error")
    assert page.script("return Object.values(localStorage)") == [page.token]


def test_gateway_needs_no_token(page: Page) -> None:
    page.add("Pay rent")
    user_id = page.api("GET", "me")["user_id"]
    with serving("--trust-header", "X-User-ID", log=subprocess.DEVNULL) as (_, address):
        page.driver.execute_cdp_cmd("Network.enable", {})
        page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"X-User-ID": user_id}})
        try:
            page.driver.get(address)
            page.wait_for_titles("Pay rent")
            page.click("#account-button")
            page.wait_for("Signed in as", "#who")
            assert not page.one("#sign-out").is_displayed()
        finally:
            page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})


def test_token_that_only_reads_offers_no_changes(page: Page) -> None:
    page.add("Pay rent", tags=["bills"])
    page.open(f"#token={create_token('--scope', 'read')}")
    page.wait_for_titles("Pay rent")
    assert not page.one("#add").is_displayed()
    assert not page.one(".tick input").is_enabled()
    page.edit()
    shown = [page.one(selector).is_displayed() for selector in ("#edit .main", "#remove", "#note", "#close-edit")]
    assert shown == [False, False, False, True]
    assert not page.one("[name=title]").is_enabled()
    page.click("#close-edit")
    page.click("#account-button")
    page.wait_for("which may only read", "#who")


def test_quick_add_understands_words_and_undo_takes_it_back(page: Page) -> None:
    page.sign_in()
    page.type("#text", "Call bank due:today pri:high +bills\n")
    page.wait_for_titles("Call bank")
    assert page.text("#list .facts").split("\n") == ["Today", "High", "+bills", "#1"]
    assert page.one("#text").get_attribute("value") == ""
    page.wait_for("Added: Call bank · Today · High · +bills · #1", "#toast p")
    page.click("#toast .undo")
    page.wait_for_titles()
    page.wait_for("Nothing to do.", "#empty")


def test_error_of_quick_add_is_at_its_field_and_the_text_stays(page: Page) -> None:
    page.sign_in()
    page.type("#text", "Call bank due:fribday\n")
    page.wait_for("'fribday' is not a day.", "#add-error")
    field = page.one("#text")
    assert (field.get_attribute("value"), field.get_attribute("aria-invalid")) == ("Call bank due:fribday", "true")
    assert (page.focus, field.get_attribute("aria-describedby")) == ("text", "add-error")


def test_text_that_was_not_sent_is_kept_and_takes_effect_once(page: Page) -> None:
    page.sign_in()
    page.script("""
      const original = window.fetch;
      window.keys = [];
      window.fetch = async (url, options) => {
        if (options.method !== "POST") return original(url, options);
        window.keys.push(options.headers["Idempotency-Key"]);
        const answer = await original(url, options);
        if (window.keys.length === 1) throw new TypeError("the answer is lost");
        return answer;
      };
    """)
    page.type("#text", "Pay rent\n")
    page.wait_for("The server did not answer. Send it again: it takes effect once.", "#add-error")
    assert page.one("#text").get_attribute("value") == "Pay rent"
    page.press("\n")
    page.wait_for("Added: Pay rent", "#toast p")
    first, second = page.script("return window.keys")
    assert (first, len(page.api("GET", "todos")["items"])) == (second, 1)


def test_page_without_tls_makes_its_own_keys(page: Page) -> None:
    page.sign_in()
    page.script("crypto.randomUUID = undefined")  # as in pages that are not from this machine
    page.type("#text", "Pay rent\n")
    page.wait_for_titles("Pay rent")
    assert uuid.UUID(page.api("GET", "todos/1")["change_id"]).version == 4


def test_text_waits_while_the_network_is_away(page: Page) -> None:
    page.sign_in()
    page.offline(True)
    page.type("#text", "Pay rent\n")
    page.wait_for("The server did not answer.", "#add-error")
    page.offline(False)
    page.press("\n")
    page.wait_for_titles("Pay rent")


def test_done_leaves_the_list_and_undo_brings_it_back(page: Page) -> None:
    page.add("Pay rent")
    page.add("Water the plants")
    page.sign_in()
    page.wait_for_titles("Pay rent", "Water the plants")
    page.click(".tick")
    page.wait_for_titles("Water the plants")
    page.click("#toast .undo")
    page.wait_for_titles("Pay rent", "Water the plants")
    page.click(".tick")
    page.wait_for_titles("Water the plants")
    page.driver.find_element("link text", "Completed").click()
    page.wait_for_titles("Pay rent")
    page.wait_for("Completed", "#heading")
    page.click(".tick")
    page.wait_for("Nothing is completed yet.", "#empty")


def test_overdue_and_today_are_words(page: Page) -> None:
    page.add("Pay rent", due_on="2020-01-01")
    page.api("POST", f"todos?{urllib.parse.urlencode({'tz': 'UTC'})}", {"text": "Water the plants due:today"})
    page.sign_in()
    page.wait_for_titles("Pay rent", "Water the plants")
    facts = page.script("return [...document.querySelectorAll('#list .facts')].map(e => e.innerText)")
    assert facts[0].startswith("Overdue: Wed")
    assert facts[1].startswith("Today")


def test_list_says_how_a_todo_repeats(page: Page) -> None:
    page.add("Water", every="mon,thu", due_on="2099-01-05")
    page.add("Shave", again="3d", due_on="2099-01-06")
    page.sign_in()
    page.wait_for_titles("Water", "Shave")
    facts = page.script("return [...document.querySelectorAll('#list .facts')].map(e => e.innerText)")
    assert "Every mon,thu" in facts[0]
    assert "Again after 3d" in facts[1]


def test_edit_is_for_one_or_for_all_that_follow(page: Page) -> None:
    page.add("Once")
    page.add("Water", every="week", due_on="2099-01-05")
    page.sign_in()
    page.edit(1)
    assert page.text("#series") == ""
    page.click("#close-edit")
    for title, kept in (("Ferns", {"title": "Water"}), ("Palms", None)):
        page.edit(0)
        page.type("[name=title]", title)
        if kept is None:
            page.click("[name=series]")
        page.click("#edit .main")
        page.wait_for_titles(title, "Once")
        assert page.api("GET", "todos/2")["series_values"] == kept


def test_edit_sends_what_was_changed(page: Page) -> None:
    page.add("Pay rent", description="Room 4", due_on="2030-05-01", due_time="17:00", priority="low", tags=["bills"])
    page.sign_in()
    page.edit()
    page.type("[name=title]", "Pay the rent")
    page.type("[name=project]", "Home")
    page.type("[name=tags]", "bills, +flat")
    page.script("document.querySelector('[name=due_on]').value = '2030-05-02'")
    page.script("document.querySelector('[name=priority]').value = ''")
    page.click("#edit .main")
    page.wait_for_titles("Pay the rent")
    found = page.api("GET", "todos/1")
    names = ("description", "due_on", "due_time", "priority", "project", "tags", "version")
    expected = ["Room 4", "2030-05-02", "17:00:00", None, "home", ["bills", "flat"], 2]
    assert [found[name] for name in names] == expected
    assert page.focus == "Pay the rent"


def test_edit_without_a_day_clears_the_time(page: Page) -> None:
    page.add("Pay rent", due_on="2030-05-01", due_time="17:00")
    page.sign_in()
    page.edit()
    page.script("document.querySelector('[name=due_on]').value = ''")
    page.click("#edit .main")
    page.wait_for("Saved: Pay rent", "#toast p")
    found = page.api("GET", "todos/1")
    assert (found["due_on"], found["due_time"]) == (None, None)


def test_error_of_edit_marks_its_field(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.edit()
    page.type("[name=project]", "a b")
    page.click("#edit .main")
    wait_until(lambda: page.one("[name=project]").get_attribute("aria-invalid"), "a mark at the project")
    assert "project" in page.text("#edit-error")
    assert page.api("GET", "todos/1")["version"] == 1


def test_edit_of_what_others_changed_says_so_and_keeps_what_was_typed(page: Page) -> None:
    page.add("Pay rent", priority="low")
    page.sign_in()
    page.edit()
    page.api("PATCH", "todos/1", {"description": "Room 4", "priority": "high"})
    page.type("[name=title]", "Pay the rent")
    page.click("#edit .main")
    page.wait_for("This todo was changed meanwhile", "#edit-error")
    assert "(now: description “Room 4”, priority “high”)" in page.text("#edit-error")
    assert page.api("GET", "todos/1")["title"] == "Pay rent"
    fields = [page.one(f"[name={name}]").get_attribute("value") for name in ("title", "description", "priority")]
    assert fields == ["Pay the rent", "Room 4", "high"]
    page.click("#edit .main")
    page.wait_for_titles("Pay the rent")
    assert page.api("GET", "todos/1")["description"] == "Room 4"


def test_remove_of_what_others_changed_removes_nothing(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.edit()
    page.api("PATCH", "todos/1", {"priority": "high"})
    page.click("#remove")
    page.wait_for("This todo was changed meanwhile", "#edit-error")
    assert page.api("GET", "todos")["total"] == 1


def test_note_is_added_and_listed(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.edit()
    page.type("[name=title]", "Unsaved")
    page.type("#note-text", "The landlord has a new account.")
    page.click("#note button")
    page.wait_for("The landlord has a new account.", "#notes")
    assert page.one("[name=title]").get_attribute("value") == "Unsaved"
    page.click("#toast .undo")
    page.wait_for("Undone.", "#toast p")
    wait_until(lambda: not page.text("#notes"), "the end of the note")
    assert page.one("[name=title]").get_attribute("value") == "Unsaved"
    page.click("#edit .main")
    page.wait_for_titles("Unsaved")
    assert page.api("GET", "todos/1")["note_count"] == 0


@pytest.mark.parametrize("field", ["[name=title]", "#note-text"])
@pytest.mark.parametrize("close", ["Escape", "button"])
def test_closing_says_first_what_was_not_saved(page: Page, field: str, close: str) -> None:
    def attempt() -> None:
        page.press("\ue00c") if close == "Escape" else page.click("#close-edit")

    page.add("Pay rent")
    page.sign_in()
    page.edit()
    page.one(field).send_keys("x")
    attempt()
    page.wait_for("Not saved yet. Save it, or close again to discard it.", "#edit-error")
    assert page.one(field).get_attribute("value").endswith("x")
    attempt()
    wait_until(lambda: not page.text("#edit"), "the end of the dialog")
    page.edit()
    assert (page.one(field).get_attribute("value"), page.text("#edit-error")) in [("Pay rent", ""), ("", "")]
    attempt()
    wait_until(lambda: not page.text("#edit"), "the end of the dialog")


def test_focus_returns_to_a_todo_that_changed_in_its_dialog(page: Page) -> None:
    page.add("Pay rent")
    page.add("Water the plants")
    page.sign_in()
    page.wait_for_titles("Pay rent", "Water the plants")
    page.press("jj")
    page.press("e")
    page.wait_for("Todo 2", "#edit-heading")
    page.type("#note-text", "The fern as well.")
    page.click("#note button")
    page.wait_for("1 note", "#list")
    page.press("\ue00c")
    wait_until(lambda: page.focus == "Water the plants", "the focus at the todo")


@pytest.mark.parametrize(("field", "words"), [("due_on", ""), ("starts_on", "Starts ")])
def test_skip_moves_what_repeats_to_its_next_date(page: Page, field: str, words: str) -> None:
    first = datetime.now(UTC).date()
    page.add("Water the plants", every="week", **{field: str(first)})
    page.sign_in()
    page.edit()
    page.click("#skip")
    page.wait_for(f"Skipped: Water the plants · {words}{first:%a}", "#toast p")
    assert page.api("GET", "todos/1")[field] == str(first + timedelta(weeks=1))
    page.click("#toast .undo")
    page.wait_for("Undone.", "#toast p")
    assert page.api("GET", "todos/1")[field] == str(first)


def test_only_what_repeats_can_be_skipped(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.edit()
    assert page.text("#remove") == "Remove"
    assert not page.text("#skip")


def test_skip_waits_until_edits_are_saved_or_discarded(page: Page) -> None:
    page.add("Water the plants", due_on="2030-01-01", every="week")
    page.sign_in()
    page.edit()
    page.type("[name=title]", "Water the garden")
    page.click("#skip")
    page.wait_for("Not saved yet.", "#edit-error")
    assert page.api("GET", "todos/1")["due_on"] == "2030-01-01"


def test_removed_todo_is_restored_from_the_trash(page: Page) -> None:
    page.add("Pay rent")
    page.sign_in()
    page.edit()
    page.click("#remove")
    page.wait_for("Nothing to do.", "#empty")
    page.driver.find_element("link text", "Trash").click()
    page.wait_for_titles("Pay rent")
    page.click(".restore")
    page.wait_for("The trash is empty.", "#empty")
    page.driver.back()
    page.wait_for_titles("Pay rent")


def test_filter_takes_expressions_and_shows_their_errors(page: Page) -> None:
    page.add("Pay rent", tags=["bills"], project="home")
    page.add("Water the plants", project="home/garden")
    page.sign_in()
    page.click("#filter-button")
    page.type("#where", "due:fribday\n")
    page.wait_for("'fribday' is not a day.", "#filter-error")
    page.type("#where", "project:home and not +bills\n")
    page.wait_for_titles("Water the plants")
    page.wait_for("Open: project:home and not +bills", "#heading")
    page.open(page.script("return location.hash"))
    page.wait_for_titles("Water the plants")
    page.click("#clear")
    page.wait_for_titles("Pay rent", "Water the plants")
    for text, titles in (("+bills", ["Pay rent"]), ("home/garden", ["Water the plants"])):
        page.click("#filter-button")
        page.wait_for(text, "#filter")
        page.driver.find_element("link text", text).click()
        page.wait_for_titles(*titles)


def test_view_is_a_list(page: Page) -> None:
    subprocess.run([*TODO, "view", "save", "cash", "+bills"], check=True, capture_output=True)
    page.add("Pay rent", tags=["bills"])
    page.add("Water the plants")
    page.sign_in()
    page.click("#filter-button")
    page.wait_for("cash", "#views")
    page.driver.find_element("link text", "cash").click()
    page.wait_for_titles("Pay rent")
    page.wait_for("cash", "#heading")


def test_more_shows_the_next_page(page: Page) -> None:
    page.api("POST", "bulk", {"items": [{"title": f"todo {number}"} for number in range(60)]})
    page.sign_in()
    page.wait_for("50 of 60 todos", "#status")
    page.click("#more")
    page.wait_for_titles(*(f"todo {number}" for number in range(60)))
    assert (page.text("#status"), page.focus) == ("60 todos", "todo 50")
    assert not page.one("#more").is_displayed()


def test_keys_alone_are_enough(page: Page) -> None:
    page.sign_in()
    page.press("n")
    page.press("Pay rent\n")
    page.wait_for_titles("Pay rent")
    page.press("Water the plants\n")
    page.wait_for_titles("Pay rent", "Water the plants")
    page.press("\ue00c")  # Escape leaves the field
    page.press("jj")
    assert page.focus == "Water the plants"
    page.press("x")
    page.wait_for_titles("Pay rent")
    assert page.focus == "Pay rent"
    page.press("u")
    page.wait_for_titles("Pay rent", "Water the plants")
    page.press("k")
    page.press("e")
    page.wait_for("Todo 1", "#edit-heading")
    page.press("!\n")
    page.wait_for_titles("Pay rent!", "Water the plants")
    page.press("/")
    page.wait_for("Filter", "#filter-heading")
    page.press("plants\n")
    page.wait_for_titles("Water the plants")
    page.press("?")
    page.wait_for("Keys", "#account")
    page.press("\ue00c")
    assert page.text("#account") == ""


@pytest.mark.parametrize(
    "title",
    [
        "<img src=x onerror=document.title='broken'>",
        "</script><script>document.title='broken'</script>",
        "<b>bold</b> & \"quoted\" 'text'",
        "\u202edesrever",
    ],
)
def test_title_is_text_whatever_it_holds(page: Page, title: str) -> None:
    page.add(title, description=title)
    page.api("POST", "todos/1/notes", {"text": title})
    page.sign_in()
    page.wait_for_titles(title)
    page.edit()
    page.wait_for(title, "#notes p")
    page.click("#remove")
    page.wait_for("Removed", "#toast p")
    assert title in page.script("return document.querySelector('#toast p').textContent")
    assert page.driver.title == "Open · todo"
    assert page.script("return document.querySelectorAll('img, script:not([src]), #list b').length") == 0


def test_targets_are_large_and_nothing_overflows(page: Page) -> None:
    page.add("x" * 255, description="Room 4", due_on="2030-05-01", project="home", tags=["a" * 40, "b" * 40])
    page.add("Pay rent")
    page.sign_in()
    small = """
      const seen = [...document.querySelectorAll("a, button, input, select, textarea, .tick")]
        .filter((e) => e.checkVisibility() && !e.closest(".tick input") && !e.matches(".tick input"));
      return seen.map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
        .filter(([, box]) => box.width < arguments[0] - 0.5 || box.height < arguments[0] - 0.5);
    """
    overflow = "const e = document.scrollingElement; return e.scrollWidth > e.clientWidth"
    dialog = "const e = document.querySelector('dialog[open]'); return e.scrollWidth > e.clientWidth"
    assert (page.script(small, MIN_TARGET), page.script(overflow)) == ([], False)
    page.edit()
    assert (page.script(small, MIN_TARGET), page.script(dialog)) == ([], False)
    page.click("#close-edit")
    page.click("#filter-button")
    page.wait_for("home", "#filter")
    assert (page.script(small, MIN_TARGET), page.script(dialog)) == ([], False)


def test_dates_have_room_where_it_is_narrow(page: Page) -> None:
    """320 px is what is left of a wide window at 400 % (WCAG 1.4.10)."""
    metrics = {"width": 320, "height": 568, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.add("Pay rent", due_on="2030-05-01")
    page.sign_in()
    page.wait_for_titles("Pay rent")
    page.edit()
    widths = "return ['title', 'due_on'].map((name) => document.querySelector(`[name=${name}]`).clientWidth)"
    title, due = page.script(widths)
    assert title == due


def test_controls_are_at_the_bottom_of_a_phone_only(page: Page, size: tuple[int, int]) -> None:
    page.sign_in()
    bottom = page.script("return document.querySelector('#controls').getBoundingClientRect().bottom")
    assert (bottom == size[1]) is (size == PHONE)


def test_layout_does_not_shift(page: Page) -> None:
    for title in ("Pay rent", "Water the plants", "Call the bank"):
        page.add(title)
    page.sign_in()
    page.wait_for_titles("Pay rent", "Water the plants", "Call the bank")
    page.open()
    page.wait_for_titles("Pay rent", "Water the plants", "Call the bank")
    assert page.script("return new Promise((done) => requestAnimationFrame(() => done(window.shifted)))") < 0.01


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrasts_in_light_and_dark(page: Page, scheme: str) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    page.add("Pay rent", due_on="2020-01-01")
    page.sign_in()
    page.wait_for_titles("Pay rent")
    back = colour(page, "html", "backgroundColor")
    assert (luminance(back) < 0.2) is (scheme == "dark")
    for selector in (".title", ".overdue", "#status", "nav a"):
        assert contrast(colour(page, selector, "color"), back) >= 4.5, selector
    button = [colour(page, "#add .main", name) for name in ("color", "backgroundColor")]
    assert contrast(*button) >= 4.5


def colour(page: Page, selector: str, name: str) -> tuple[float, ...]:
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]].match(/[0-9.]+/g).map(Number)"
    return tuple(page.script(script, selector, name)[:3])


def luminance(rgb: tuple[float, ...]) -> float:
    """Return the relative luminance, from 0 to 1 (WCAG 2)."""
    parts = [part / 255 for part in rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast ratio, from 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
