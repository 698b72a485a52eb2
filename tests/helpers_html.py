"""HTML → what tests ask of it: whether it is well formed, its headings, its text, what it points to."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "rect", "col", "base"}
OUTSIDE = ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "formaction", "ping", "background")


class Reader(HTMLParser):
    """Reads a page, and raises AssertionError where its elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.headings: list[tuple[int, str]] = []
        self.texts: list[str] = []
        self.code: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>: {names}"
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag in {"p", "table", "div", "ul", "section", "details", "dl", "h1", "h2", "h3"}:
            assert "p" not in self.open, f"<{tag}> inside <p>, which a browser would close: {self.open}"
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a beginning"
        assert self.open[-1] == tag, f"</{tag}> where </{self.open[-1]}> belongs, in {self.open}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.code.append(data)
            return
        self.texts.append(data)
        if any(tag[0] == "h" and tag[1:].isdigit() for tag in self.open):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.elements if "id" in a]

    def having(self, tag: str) -> list[dict[str, str]]:
        return [a for t, a in self.elements if t == tag]

    def points_to(self) -> list[str]:
        """Every address in an attribute a browser would follow or fetch."""
        return [a[name] for _, a in self.elements for name in OUTSIDE if name in a]
