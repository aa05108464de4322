"""What a reader finds in a page of HTML, and what must hold of every page."""

import re
from collections.abc import Collection
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

_VOID = {"meta", "img", "input", "br", "link"}
_CELLS = {"td", "th", "b", "span", "dd", "code"}
"""Tags that keep their text apart from what follows."""
_LOADS = r"@import|url\((?!#)"


class Page(HTMLParser):
    """Tags with their attributes, and the text between them with single spaces."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.mismatches: list[str] = []
        self._parts: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", "".join(self._parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.mismatches.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self._parts.append(data + (" " if self.open and self.open[-1] in _CELLS else ""))

    def find_all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def images(self) -> list[dict[str, str]]:
        return self.find_all("img")

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for _, attributes in self.tags if "href" in attributes]

    def find_alternatives(self, start: str) -> list[str]:
        """Alternatives of the images that begin like this."""
        return [image["alt"] for image in self.images if image["alt"].startswith(start)]


def check_page(page: Page, *, links: Collection[str] = ()) -> None:
    """Fail unless a page is well-formed, can be read by all and loads nothing; `links` lead out of it."""
    assert page.html.startswith("<!DOCTYPE html>")
    assert page.find_all("html") == [{"lang": "en-GB"}]
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert "scroll" in [attributes.get("class") for attributes in page.find_all("div")]
    check_markup(page)
    assert {link for link in page.links if not link.startswith("#")} == set(links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def check_markup(page: Page) -> None:
    """Fail unless a page, or a part of one, is well-formed, can be read by all and loads nothing."""
    assert (page.mismatches, page.open) == ([], [])
    assert len(page.ids) == len(set(page.ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in header for header in page.find_all("th"))
    boxes = [attributes for attributes in page.find_all("div") if attributes.get("class") == "scroll"]
    assert all(box["aria-label"] and box["tabindex"] == "0" and box["role"] == "region" for box in boxes)
    _check_loads(page)


def _check_loads(page: Page) -> None:
    assert not page.find_all("script")
    assert not re.search(_LOADS, unquote(page.html))
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    for source in sources:
        assert source.startswith("data:image/")
        assert not re.search(r'href="(?!#|data:)', unquote(source))
    for image in page.images:
        assert len(image["alt"]) > 20
        assert int(image["width"]) > 0
        assert int(image["height"]) > 0
