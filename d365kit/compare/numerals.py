"""Names → the figures that number one of several: “Fund II” is another than “Fund III”."""

from __future__ import annotations

import re

from d365kit.compare.text import words

_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}


def company_figures(name: object) -> str | None:
    """The figures and Roman numerals of a company name, sorted; the first word is none.

    >>> company_figures("Contoso Fund III 2024 Ltd"), company_figures("Contoso Ltd")
    ('2024 3', None)
    """
    found = [_ROMAN.get(w, w) for w in words(name)[1:]]
    return " ".join(sorted(w.lstrip("0") or "0" for w in found if re.fullmatch(r"\d+", w))) or None
