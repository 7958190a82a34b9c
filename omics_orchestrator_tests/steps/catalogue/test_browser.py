"""The pages in Chromium, opened from a folder: search, keyboard, contrast, narrow windows, no network, no errors."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.steps.catalogue.entries import Entries
from omics_orchestrator.steps.catalogue.frame import file_of
from omics_orchestrator.steps.search import SearchIndex, index_of

BROWSER = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(BROWSER is None, reason="chromium is not installed (apt-get install chromium)"),
]
PLACES = [
    "index.html",
    "index.html#q=crp",
    "variables.html",
    "studies.html",
    "changes.html",
    "variable/calprotectin.html",
    "variable/study_group.html",
    "variable/crp.html",
    "study/demo_adult.html",
    "study/hmp2.html",
    "drugs.html",
    "drug/infliximab.html",
    file_of("study", "broken one"),
]
CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest("noscript")) continue;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, node.tagName, node.className, node.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


class Window:
    """A page of Chromium that notes errors and every address that is asked for."""

    def __init__(self, page: Any, site: Path) -> None:
        self.page = page
        self.site = site
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, place: str) -> Any:
        self.page.goto("about:blank")
        self.page.goto(f"{self.site.as_uri()}/{place}")
        return self.page

    def search(self, text: str) -> list[str]:
        """Type into the field, wait for what is announced, return the names that are shown."""
        before = self.page.locator("#counted").text_content()
        self.page.fill("#asked", text)
        self.page.wait_for_function(
            "(before) => document.getElementById('counted').textContent !== before", arg=before
        )
        return list(self.page.locator("#hits code").all_text_contents())


Open = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def window(browser: Any, site: Path) -> Iterator[Open]:
    contexts = []

    def make(width: int = 1280, height: int = 900, **options: Any) -> Window:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        return Window(contexts[-1].new_page(), site)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def index(entries: Entries) -> SearchIndex:
    return index_of(entries.workspace)


def test_no_page_makes_an_error_or_leaves_its_folder(window: Open) -> None:
    one = window()
    for place in PLACES:
        one.open(place)
    assert one.errors == []
    outside = [url for url in one.asked if not url.startswith((one.site.as_uri(), "about:", "data:"))]
    assert outside == []


def test_served_by_a_web_server_nothing_else_is_asked_for(window: Open) -> None:
    one = window()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(one.site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        for place in ("", "index.html#q=crp", "study/demo_adult.html", "variable/calprotectin.html"):
            one.page.goto(address + place)
        assert one.page.locator(".fill").count() > 0
        one.page.goto(address)
        assert one.search("crp")[0] == "crp"
        assert one.page.url == f"{address}#q=crp"
    finally:
        server.shutdown()
        server.server_close()
    assert one.errors == []
    assert [url for url in one.asked if not url.startswith((address, "data:"))] == []


@pytest.mark.parametrize(
    "text",
    [
        "faecal calprotectin",
        "fecal calprotectin",
        "WCC",
        "platlets",
        "stricturing",
        "ifx",
        "gidamps",
        "demo children",
    ],
)
def test_the_search_answers_as_python_does(window: Open, index: SearchIndex, text: str) -> None:
    one = window()
    one.open("index.html")
    found = index.find(text)
    expected = [variable.name for variable in found.variables]
    assert one.search(text) == expected[:20]
    told = one.page.locator("#counted").text_content()
    assert f"{len(expected)} variable" in told
    studies = list(index.find_studies(text))
    assert one.page.locator("#study-hits code").all_text_contents() == studies
    assert one.page.locator("#study-hits").is_visible() == bool(studies)
    assert ("stud" in told) == bool(studies)
    if found.complete < len(expected):
        assert f"{found.complete} with every word" in told
    for word, meant in found.read_as.items():
        assert f"“{word}” stands nowhere; read as {', '.join(meant)}." in told
    if len(expected) > 20:
        one.page.click("#more")
        assert one.page.locator("#hits code").all_text_contents() == expected
        assert one.page.evaluate("document.activeElement.querySelector('code').textContent") == expected[20]


def test_what_is_asked_stands_in_the_address(window: Open) -> None:
    from playwright.sync_api import expect

    one = window()
    page = one.open("index.html")
    one.search("50 % <crp> #?&+ é")
    address = page.url
    hits = page.locator("#hits code").all_text_contents()
    one.open(address.rsplit("/", 1)[1])
    assert page.input_value("#asked") == "50 % <crp> #?&+ é"
    assert page.locator("#hits code").all_text_contents() == hits
    page.evaluate("location.hash = '#q=albumin'")
    expect(page.locator("#asked")).to_have_value("albumin")
    expect(page.locator("#hits code").first).to_have_text("albumin")
    page.fill("#asked", "")
    expect(page.locator("#found")).to_be_hidden()
    assert "#" not in page.url
    assert page.locator("#browse").is_visible()
    one.open("index.html#q=%E0%A4%A")
    assert page.input_value("#asked") == ""
    assert one.errors == []


def test_nothing_is_found(window: Open) -> None:
    one = window()
    one.open("index.html")
    assert one.search("xyzzy") == []
    assert one.page.locator("#counted").text_content() == "No variable found. “xyzzy” stands nowhere."
    live = one.page.locator("#counted")
    assert (live.get_attribute("role"), live.get_attribute("aria-live")) == ("status", "polite")


def test_a_study_that_is_found_leads_to_its_page(window: Open) -> None:
    one = window()
    one.open("index.html")
    one.search("hmp2")
    one.page.focus("#asked")
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/study/hmp2.html")


def test_by_keyboard_alone(window: Open) -> None:
    one = window()
    page = one.open("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "asked"
    outline = page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "3px" in outline
    page.keyboard.type("faecal calprotectin")
    page.locator("#hits a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.querySelector('code').textContent") == "calprotectin"
    page.keyboard.press("Enter")
    page.wait_for_url("**/variable/calprotectin.html")
    page.go_back()
    page.locator("#hits a").first.wait_for()
    assert page.input_value("#asked") == "faecal calprotectin"
    page.focus("#asked")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.querySelector('code').textContent") == "calprotectin"


def test_every_stop_of_the_keyboard_is_seen(window: Open) -> None:
    one = window()
    for place in ("variable/calprotectin.html", "study/demo_adult.html"):
        page = one.open(place)
        for _ in range(12):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outline")
            assert "solid 3px" in outline, place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_text_stands_out_from_its_ground(window: Open, scheme: str, width: int) -> None:
    one = window(width, color_scheme=scheme)
    for place in PLACES:
        page = one.open(place)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = page.evaluate(CONTRAST)
        assert len(found) > 5, place
        assert [text for text in found if text[0] < 4.5] == [], place


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_in_a_narrow_window_or_at_200_percent(window: Open, width: int) -> None:
    one = window(width, 740)
    for place in PLACES:
        page = one.open(place)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], place


def test_without_javascript_the_lists_are_there(window: Open) -> None:
    one = window(java_script_enabled=False)
    page = one.open("index.html")
    assert not page.locator("#asked").is_visible()
    assert page.locator("#browse").is_visible()
    assert "All variables are listed" in page.inner_text("main")
    page.get_by_role("link", name="Laboratory", exact=True).click()
    assert page.url.endswith("variables.html#laboratory")
    page.get_by_role("link", name="Faecal calprotectin", exact=True).click()
    assert page.url.endswith("variable/calprotectin.html")


def test_nothing_moves_for_those_who_do_not_want_it(window: Open) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    for wanted, told in (("reduce", "auto"), ("no-preference", "smooth")):
        assert window(reduced_motion=wanted).open("variables.html").evaluate(behaviour) == told
