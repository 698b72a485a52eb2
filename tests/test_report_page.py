"""The report's page: whole by itself, harmless, in order, and looked at in a browser."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from d365kit.nouns import Report
from tests import helpers_report as made
from tests.helpers_html import Reader

SECTIONS = ["Verdict", "Since last time", "What was compared", "Coverage", "Exceptions", "Prerequisites",
            "What the next push would do", "What the last run wrote", "Decisions", "How it was made"]  # fmt: skip
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
NAMES = ("usual", "hostile", "empty", "large")


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return made.reports()


# --- the page as a file ---


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_well_formed(reports, name):
    page = Reader(reports[name].html)
    assert len(page.ids) == len(set(page.ids))
    assert page.having("html") == [{"lang": "en"}]
    assert len(page.having("script")) == 1, "ours and no other"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_reaches_for_nothing_outside_itself(reports, name):
    page = Reader(reports[name].html)
    assert page.points_to()
    for address in page.points_to():
        assert address.startswith("#")
        assert address[1:] in page.ids
    code = "".join(page.code)
    assert not re.search(r"https?:|//[a-z]|@import|url\(\s*['\"]?(?!#)", code)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|innerHTML|eval|localStorage)\b", code)
    (policy,) = [m["content"] for m in page.having("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_no_element_comes_out_of_a_record(reports):
    page = Reader(reports["hostile"].html)
    assert not [t for t, _ in page.elements if t in ("img", "iframe", "object", "embed", "form", "base", "b0")]
    assert not [a for _, a in page.elements for name in a if name.startswith("on")]
    assert 'alert("boo")' in page.text
    assert "<b>0x80040237</b>" in page.text
    assert not re.search("[\u202a-\u202e\x00\x1b]", reports["hostile"].html)


@pytest.mark.parametrize("name", NAMES)
def test_headings_follow_each_other(reports, name):
    page = Reader(reports[name].html)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [text for level, text in page.headings if level == 2] == SECTIONS


@pytest.mark.parametrize("name", NAMES)
def test_tables_and_regions_have_names(reports, name):
    page = Reader(reports[name].html)
    tags = [t for t, _ in page.elements]
    assert tags.count("table") == tags.count("caption")
    assert {a.get("scope") for a in page.having("th")} <= {"col", "row"}
    for tag in ("header", "nav", "main", "footer"):
        assert tags.count(tag) == 1
    assert all(a.get("aria-labelledby") in page.ids for a in page.having("section"))
    first = next(a for a in page.having("a"))
    assert first == {"class": "skip", "href": "#verdict"}
    assert all("aria-hidden" in a for a in page.having("svg"))


def test_the_page_is_the_same_each_time():
    assert made.workspace(60).report().html == made.workspace(60).report().html


def test_the_report_can_be_kept_and_read_again(tmp_path, reports):
    path = reports["hostile"].save(tmp_path / "deep" / "today.html")
    kept = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert kept == reports["hostile"].to_dict()
    assert kept["verdict"] == reports["hostile"].verdict
    assert path.read_text("utf-8") == reports["hostile"].html


@pytest.mark.parametrize("name", NAMES)
def test_the_data_is_plain_json(reports, name):
    data = reports[name].to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


# --- in a browser ---


@pytest.fixture(scope="module")
def browser() -> Iterator:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI must look at the report, and there is no Chromium at {CHROMIUM}; run make setup-ci.")
        pytest.skip(f"no Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield chromium
        chromium.close()


#: AA contrast of every visible text against what is painted behind it.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { const layers = []; for (let n = e; n; n = n.parentElement)
    layers.unshift(rgba(getComputedStyle(n).backgroundColor));
    return layers.reduce((b, a) => over(a, b), [255, 255, 255, 1]); };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE'].includes(e.tagName) || !e.checkVisibility()) continue;
    const back = behind(e); const ink = over(rgba(getComputedStyle(e).color), back);
    const [one, two] = [light(ink), light(back)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (ratio < (size >= 24 ? 3 : 4.5)) bad.push([walker.currentNode.data.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return bad;
}"""


def looked_at(browser, tmp_path: Path, html: str, **more: object):
    """The page, opened from a file; a request for anything else fails the test."""
    (tmp_path / "report.html").write_text(html, "utf-8")
    page = browser.new_context(**more).new_page()
    wrong: list[str] = []
    page.on("request", lambda r: None if r.url.startswith("file:") else wrong.append(r.url))
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text))
    page.on("dialog", lambda d: wrong.append(d.message))
    page.goto((tmp_path / "report.html").as_uri())
    assert wrong == []
    return page, wrong


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", ["usual", "hostile", "empty"])
def test_the_page_fits_and_can_be_read(browser, tmp_path, reports, name, width, scheme):
    page, _ = looked_at(
        browser, tmp_path, reports[name].html, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = "[...document.querySelectorAll('.box')].filter((b) => b.scrollWidth > b.clientWidth).length"
    assert width > 320 or page.evaluate(boxes) == 0, "on a phone tables turn into cards"
    assert page.evaluate(CONTRAST) == []


@pytest.mark.browser
def test_the_page_works_without_its_script(browser, tmp_path, reports):
    page, _ = looked_at(browser, tmp_path, reports["usual"].html, java_script_enabled=False)
    assert not page.locator(".tools").is_visible()
    check = page.locator("details.check").first
    assert not check.locator("table").is_visible()
    check.locator("summary").click()
    assert check.locator("table").is_visible()


@pytest.mark.browser
def test_filtering_and_opening(browser, tmp_path, reports):
    from playwright.sync_api import expect

    page, wrong = looked_at(browser, tmp_path, reports["large"].html)
    page.locator("#filter").fill("I10003")
    expect(page.locator("#filter-says")).to_contain_text("rows on this page")
    shown = page.locator("details.check tbody tr:visible")
    assert shown.count() == 1
    assert "I10003" in shown.first.inner_text()
    page.locator("#filter").fill("")
    expect(page.locator("#filter-says")).to_have_text("")
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.check[open]").count() == 0
    page.locator("#exceptions table a").nth(1).click()
    assert page.locator("details.check[open]").count() == 1
    assert wrong == []


@pytest.mark.browser
def test_everything_is_printed(browser, tmp_path, reports):
    page, _ = looked_at(browser, tmp_path, reports["usual"].html)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.check[open]").count() == 0
