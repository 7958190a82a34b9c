"""The pages of drugs: what is declared with its sources, who took it in which study, in a real browser too."""

from __future__ import annotations

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from omics_orchestrator.dictionary.atc import AtcCode
from omics_orchestrator.dictionary.drugs import DRUGS_FILE, read_drugs
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.catalogue import write_catalogue
from omics_orchestrator.steps.catalogue.drug_page import drug_file, years
from omics_orchestrator_tests.installation import MAPPING, Installation

TAKEN, NEVER, SEEN_LATER = 41, 22, 7  # of 90 participants; SEEN_LATER said no, and took it at a visit
PEOPLE = 90
RULES = "  ifx: {recode: ifx, map: {y: yes, n: no}}\n"
AT_VISIT = "  sampling_ifx: {recode: now, map: {y: yes, n: no}}\n"


class Links(HTMLParser):
    """Where a page leads to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and (target := dict(attrs).get("href")):
            self.targets.append(target)


@pytest.fixture
def treated(installation: Installation) -> Installation:
    """One study in which infliximab was asked of everybody, ever and at one visit."""
    answers = ["y"] * TAKEN + ["n"] * (NEVER + SEEN_LATER) + [""] * (PEOPLE - TAKEN - NEVER - SEEN_LATER)
    people = [f"P{number},m,40,x,{answer}\n" for number, answer in enumerate(answers)]
    (installation.source / "people.csv").write_text("id,sex,age,note,ifx\n" + "".join(people))
    now = ["n"] * (TAKEN + NEVER) + ["y"] * SEEN_LATER
    rows = [f"P{number},1,S{number},5,{answer}\n" for number, answer in enumerate(now)]
    (installation.source / "visits.csv").write_text("id,visit,sample,crp,now\n" + "".join(rows))
    mapping = MAPPING.replace("visit:\n", f"{RULES}visit:\n", 1).replace(
        "sample:\n", f"{AT_VISIT}sample:\n", 1
    )
    installation.declare("tiny", mapping=mapping)
    session = Session(installation.workspace())
    assert session.materialise(session.assets()).failed == {}
    return installation


def text_of(page: Path) -> str:
    content = page.read_text(encoding="utf-8").partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", content)))


def test_a_drug_page_tells_who_took_it_and_leads_to_the_variables(
    treated: Installation, tmp_path: Path
) -> None:
    site = write_catalogue(treated.workspace(), tmp_path / "site").start.parent
    page = site / "drug" / "infliximab.html"
    told = text_of(page)
    assert re.search(r"\btaken\b.{0,20}\b50\b", told)  # 41 + 7 who said no and took it later
    assert re.search(r"never taken.{0,20}\b20\b", told)
    assert re.search(r"not known.{0,20}\b20\b", told)
    assert not re.search(r"\b(48|41|22|29|90)\b", told)
    assert {"../variable/ifx.html", "../variable/sampling_ifx.html", "../study/tiny.html"} <= set(
        Links(page).targets
    )
    assert "../drug/infliximab.html" in Links(site / "variable" / "ifx.html").targets
    assert "../drugs.html#anti-tnf" in Links(site / "variable" / "sampling_tnf.html").targets
    vedolizumab = text_of(site / "drug" / "vedolizumab.html")
    assert "L04AA33 until 2023" in vedolizumab
    assert "L04AG05 from 2024" in vedolizumab
    assert "No study has a variable about it" in vedolizumab


def test_each_number_stands_with_its_source_and_a_missing_one_is_said(
    treated: Installation, tmp_path: Path
) -> None:
    site = write_catalogue(treated.workspace(), tmp_path / "site").start.parent
    drugs = read_drugs(treated.dictionary, Problems())
    assert len(drugs.drugs) > 30
    for drug in drugs.drugs.values():
        told = text_of(site / drug_file(drug.name))
        for days, source in (
            (drug.persistence_days, drug.persistence_source),
            (drug.washout_days, drug.washout_source),
        ):
            assert (
                (f"{days} days" in told and source[1:] in told)
                if days is not None
                else "no source was found" in told
            )
        assert all(code.code in told for code in drug.atc)
        assert all(name in told for name in drug.synonyms)


def test_every_link_of_drug_pages_leads_to_a_page_and_a_place(treated: Installation, tmp_path: Path) -> None:
    site = write_catalogue(treated.workspace(), tmp_path / "site").start.parent
    pages = [site / "index.html", site / "drugs.html", *(site / "drug").iterdir()]
    assert len(pages) > 40
    for page in pages:
        for target in Links(page).targets:
            place, _, anchor = target.partition("#")
            led = (page.parent / place).resolve() if place else page
            assert led.is_file(), (page.name, target)
            assert not anchor or f'id="{anchor}"' in led.read_text(encoding="utf-8"), (page.name, target)


def test_a_dictionary_without_drugs_has_pages_all_the_same(
    installation: Installation, tmp_path: Path
) -> None:
    for name in (DRUGS_FILE, "drug_classes.csv"):
        (installation.dictionary / name).unlink()
    site = write_catalogue(installation.workspace(), tmp_path / "site").start.parent
    assert "No drug is declared yet" in text_of(site / "drugs.html")
    assert not (site / "drug").exists()


def test_what_the_years_of_a_code_are_called():
    assert years(AtcCode(code="L04AB02")) == ""
    assert years(AtcCode(code="L04AA33", last=2023)) == "until 2023"
    assert years(AtcCode(code="L04AA33", first=2015, last=2023)) == "from 2015 until 2023"


def test_the_file_of_each_drug_of_ours_is_named_after_it():
    folder = WORKING_COPY / "data_dictionary"
    places = [drug_file(name) for name in read_drugs(folder, Problems()).drugs]
    assert len(set(places)) == len(places)
    assert [place for place in places if "/x-" in place] == []
    assert drug_file("certolizumab pegol") == "drug/certolizumab_pegol.html"


@pytest.mark.slow
def test_in_a_browser_a_brand_leads_by_the_search_to_the_page_of_the_drug(
    treated: Installation, tmp_path: Path
) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    start = write_catalogue(treated.workspace(), tmp_path / "site").start
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        page = opened.new_page(viewport={"width": 360, "height": 740})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
        page.goto(start.as_uri())
        page.get_by_role("searchbox").fill("remicade")
        page.locator("#hits a", has_text="Infliximab: ever taken").click()
        page.get_by_role("link", name="infliximab", exact=True).click()
        assert page.get_by_role("heading", level=1).inner_text() == "Infliximab"
        for place in (
            "drug/infliximab.html",
            "drug/vedolizumab.html",
            "drug/prednisolone.html",
            "drugs.html",
        ):
            page.goto((start.parent / place).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
        page.get_by_role("link", name="Anti-TNF", exact=True).first.click()
        assert page.evaluate("location.hash") == "#anti-tnf"
        opened.close()
    assert errors == []
