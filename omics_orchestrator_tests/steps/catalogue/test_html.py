"""Every page is well formed, in one order of headings, and all its links lead somewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from omics_orchestrator.steps.catalogue.entries import WORDS
from omics_orchestrator.steps.catalogue.frame import Page, anchor, as_json, file_of, prose

VOID = {"meta", "link", "input", "br", "hr", "img"}
WITHIN = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "td": {"tr"},
    "th": {"tr"},
    "caption": {"table"},
}
BLOCKS = {
    "p",
    "ul",
    "ol",
    "dl",
    "table",
    "div",
    "section",
    "article",
    "pre",
    "h1",
    "h2",
    "h3",
    "details",
    "header",
}


class Reader(HTMLParser):
    """Notes what is wrong with a page, its ids and links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labelled: list[str] = []
        self.headings: list[int] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_startendtag(self, tag, attrs):
        self.note(tag, dict(attrs))

    def handle_starttag(self, tag, attrs):
        if len({name for name, _ in attrs}) < len(attrs):
            self.wrong.append(f"{tag} has an attribute twice")
        self.note(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def note(self, tag: str, attributes: dict[str, str | None]) -> None:
        above = self.open[-1] if self.open else ""
        if tag in WITHIN and above not in WITHIN[tag]:
            self.wrong.append(f"{tag} within {above}")
        if tag in BLOCKS and {"p", "h1", "h2", "h3", "span", "a"} & set(self.open):
            self.wrong.append(f"{tag} within {self.open}")
        if tag == "a" and "a" in self.open:
            self.wrong.append("a link within a link")
        if tag == "th" and attributes.get("scope") not in {"row", "col"}:
            self.wrong.append("th without scope")
        if "style" in attributes or any(name.startswith("on") for name in attributes):
            self.wrong.append(f"{tag} with style or script inline")
        if one := attributes.get("id"):
            self.ids.append(one)
        self.links += [link for name in ("href", "src") if (link := attributes.get(name))]
        labels = ("aria-labelledby", "aria-describedby", "for")
        self.labelled += [one for name in labels for one in (attributes.get(name) or "").split()]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.found.append((tag, attributes))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def unknown_decl(self, data):
        self.wrong.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_every_page(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path for path in site.rglob("*.html")}
    assert len(pages) > 500
    read_pages = {place: read(path.read_text(encoding="utf-8")) for place, path in pages.items()}
    for place, reader in read_pages.items():
        assert reader.wrong == [], place
        assert reader.open == [], place
        assert len(reader.ids) == len(set(reader.ids)), place
        assert set(reader.labelled) <= set(reader.ids), place
        assert reader.headings.count(1) == 1, place
        assert reader.headings[0] == 1, place
        steps = zip(reader.headings, reader.headings[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps), place
        tags = [tag for tag, _ in reader.found]
        assert [tags.count(tag) for tag in ("main", "footer", "title")] == [1, 1, 1], place
        assert ("html", {"lang": "en"}) in reader.found, place
        assert ("a", {"class": "skip", "href": "#content"}) in reader.found, place
        for link in reader.links:
            check_link(site, place, link, read_pages)


def check_link(site: Path, place: str, link: str, pages: dict[str, Reader]) -> None:
    if link.startswith(("data:,", "mailto:")):
        return
    parts = urlsplit(link)
    assert not parts.scheme, f"{place}: {link}"
    assert not parts.netloc, f"{place}: {link}"
    target = (site / place).parent / unquote(parts.path) if parts.path else site / place
    assert target.is_file(), f"{place}: {link}"
    if parts.fragment:
        name = target.resolve().relative_to(site.resolve()).as_posix()
        assert parts.fragment in pages[name].ids, f"{place}: {link}"


def test_every_status_is_in_words(site: Path) -> None:
    page = (site / "study" / "demo_adult.html").read_text(encoding="utf-8")
    for word in ("complete", "partial", "impossible", "restricted"):
        assert f'<span class="badge {word}" title="{WORDS[word]}">{word}</span>' in page


def test_a_study_with_an_odd_name_has_a_page(site: Path) -> None:
    place = file_of("study", "broken one")
    assert re.fullmatch(r"study/x-[0-9a-f]{12}\.html", place)
    page = (site / place).read_text(encoding="utf-8")
    assert "broken one" in page
    assert "<b>broken" not in page


@pytest.mark.parametrize("name", ["con", "nul", "com1", "../up", "a b", "É", "A", "x" * 200, ""])
def test_names_that_files_may_not_bear(name):
    assert re.fullmatch(r"variable/x-[0-9a-f]{12}\.html", file_of("variable", name))
    assert file_of("variable", "crp_2") == "variable/crp_2.html"


def test_json_cannot_end_its_element():
    told = {"a": "</script><!--\u2028 & 'x'"}
    text = str(as_json(told))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == told


def test_prose_is_escaped_and_anchors_are_plain():
    assert str(prose("<i> `a<b` c `d")) == "&lt;i&gt; <code>a&lt;b</code> c <code>d</code>"
    assert anchor("extra-intestinal manifestations (é)") == "extra-intestinal-manifestations"
    assert anchor("É") == "other"


def test_another_page_stands_in_the_same_frame():
    """What a drug page needs: a template of its own within `frame.html`."""
    page = Page("drug/ifx.html", "Infliximab", "studies.html", {"studies": []}, (("Drugs", "drugs.html"),))
    html = page.html().decode()
    assert read(html).wrong == []
    assert 'href="../drugs.html"' in html
    assert "<title>Infliximab · Data catalogue</title>" in html


def test_the_structured_data_hold_what_search_engines_ask(site: Path) -> None:
    for path in (site / "study").glob("demo_*.html"):
        (found,) = re.findall(
            r'<script type="application/ld\+json">(.*?)</script>', path.read_text(), re.DOTALL
        )
        told = json.loads(found)
        assert told["@context"] == "https://schema.org"
        assert told["@type"] == "Dataset"
        assert told["name"]
        assert 50 <= len(told["description"]) <= 5000
        assert all(one["@type"] in {"Person", "Organization"} and one["name"] for one in told["creator"])
        assert told["isAccessibleForFree"] is False
        assert len({one["name"] for one in told["variableMeasured"]}) == len(told["variableMeasured"]) > 5
        assert told["measurementTechnique"]
