"""The check of pages refuses what it is there to refuse."""

import pytest
from pages import Page, check_page

SOUND = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><style>p { color: red }</style></head><body>
<h1>Title</h1> <h2 id="a">Part</h2> <p><a href="#a">Part</a> <a href="https://example.org">Paper</a></p>
<div class="scroll" tabindex="0" role="region" aria-label="Table">
<table><tr><th scope="row">ann</th><td><b>0.9</b>± 0.1</td></tr></table></div>
<img src="data:image/svg+xml,%3Csvg%3E" alt="A figure that is described" width="9" height="9">
</body></html>"""


def test_text_stands_with_single_spaces_between_cells_and_without_style():
    assert Page(SOUND).text.strip() == "Title Part Part Paper ann 0.9 ± 0.1"


def test_a_sound_page_passes():
    check_page(Page(SOUND), links={"https://example.org"})


@pytest.mark.parametrize(
    ("part", "replacement"),
    [
        ("</p>", ""),
        ("</body></html>", "</body>"),
        ("<!DOCTYPE html>", ""),
        ("en-GB", "en"),
        ("<h1>Title</h1>", "<h1>Title</h1><h1>Title</h1>"),
        ("<h2 id", "<h3 id"),
        ('<p><a href="#a">', '<p id="a"><a href="#a">'),
        ('"#a"', '"#b"'),
        ("https://example.org", "https://example.com"),
        (' scope="row"', ""),
        ('role="region"', 'role="none"'),
        ('class="scroll"', 'class="box"'),
        ("color: red", "background: url(https://example.org/x.png)"),
        ("<h1>", "<script>alert(1)</script><h1>"),
        ("data:image/svg+xml,", "https://example.org/"),
        ("%3Csvg%3E", "%3Cimage href=%22https://example.org%22/%3E"),
        ("A figure that is described", "figure"),
        ('width="9"', 'width="0"'),
    ],
)
def test_every_fault_is_found(part, replacement):
    assert part in SOUND
    broken = SOUND.replace(part, replacement).replace("</h2>", "</h3>" if "<h3" in replacement else "</h2>")
    with pytest.raises(AssertionError):
        check_page(Page(broken), links={"https://example.org"})
