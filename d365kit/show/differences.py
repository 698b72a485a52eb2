"""Two texts → the same two texts as escaped HTML, the characters in which they differ marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from jinja2.runtime import Markup

from d365kit.show.values import short, visible

#: One visible character: a letter with its accents, an emoji with its parts, a pair that makes a flag.
_CHARACTER = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    "|.(?:[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*)",
    re.DOTALL,
)

#: Texts that share less than this are shown as they are: confetti helps nobody.
ALIKE = 0.4

Step = tuple[str, int, int, int, int]
Spans = list[tuple[str, bool]]


@lru_cache(maxsize=8192)
def marked_pair(one: str, two: str, tags: tuple[str, str] = ("mark", "mark")) -> tuple[Markup, Markup]:
    """Both texts as HTML, what only one of them has inside ``tags`` (such as ``("del", "ins")``).

    >>> marked_pair("Fabrikam Ltd", "Fabrikam Inc")[1]
    Markup('<bdi>Fabrikam <mark>Inc</mark></bdi>')
    """
    first, second = spans(short(one), short(two))
    return _html(first, tags[0]), _html(second, tags[1])


def spans(one: str, two: str) -> tuple[Spans, Spans]:
    """Both texts cut into pieces, each with whether the other text has it not."""
    a, b = _CHARACTER.findall(one), _CHARACTER.findall(two)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if a and b and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
        first: Spans = []
        second: Spans = []
        for tag, i, j, k, m in _calm(matcher.get_opcodes()):
            _add(first, "".join(a[i:j]), tag != "equal")
            _add(second, "".join(b[k:m]), tag != "equal")
        return first, second
    return [(one, False)], [(two, False)]


def _calm(codes: Sequence[Step]) -> list[Step]:
    """The same steps, a single equal character between two differences counted as different too."""
    calm: list[Step] = []
    for n, (tag, i, j, k, m) in enumerate(codes):
        inside = 0 < n < len(codes) - 1
        calm.append(("replace" if tag == "equal" and inside and j - i == 1 else tag, i, j, k, m))
    return calm


def _add(into: Spans, text: str, differs: bool) -> None:
    if text and into and into[-1][1] == differs:
        into[-1] = (into[-1][0] + text, differs)
    elif text:
        into.append((text, differs))


def _html(pieces: Spans, tag: str) -> Markup:
    inner = Markup("").join(
        Markup(f"<{tag}>{{}}</{tag}>").format(visible(text)) if differs else visible(text) for text, differs in pieces
    )
    return Markup("<bdi>{}</bdi>").format(inner)
