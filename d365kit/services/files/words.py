"""Words that data hold in many languages: totals, yes and no, blanks; and `fold`, by which captions are compared."""

from __future__ import annotations

import re
import unicodedata

#: First words of a row of totals.
TOTALS = frozenset(
    {
        "total", "totals", "totale", "totaal", "totalt", "totales", "summe", "gesamt", "gesamtsumme", "suma",
        "somme", "sum", "sommario", "ialt", "soma", "razem", "subtotal", "zwischensumme", "grand", "eindtotaal",
        "endsumme", "ergebnis", "gesamtergebnis",
    }
)  # fmt: skip
YES = frozenset({"yes", "true", "ja", "wahr", "oui", "vrai", "si", "verdadero", "vero", "waar", "sand", "sant",
                 "sann", "tak", "prawda", "sim", "verdadeiro", "1", "x", "y", "j", "✓", "on"})  # fmt: skip
NO = frozenset({"no", "false", "nein", "falsch", "non", "faux", "falso", "nee", "onwaar", "nej", "falsk", "falskt",
                "nei", "usann", "nie", "falsz", "nao", "0", "n", "off"})  # fmt: skip
#: What people and programs write for nothing.
BLANKS = frozenset({"", "-", "–", "—", "n/a", "#n/a", "na", "null", "none", "(blank)", "(leer)", "k.a.", "s/o"})

_SPECIAL = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "º": "o", "°": "o"}
)


def fold(text: str) -> str:
    """Return ``text`` in small letters without accents and signs, words apart by one blank.

    >>> fold("E-Mail"), fold("Kundennr."), fold("Año de  alta"), fold("N° TVA")
    ('e mail', 'kundennr', 'ano de alta', 'no tva')
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())
