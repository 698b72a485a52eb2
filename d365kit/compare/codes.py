"""Record numbers, tax and registration numbers, GTINs, amounts → their essential characters, and check digits."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

from d365kit.compare.text import as_text, bare, code, fold, words
from d365kit.compare.words import COUNTRIES, VAT_PREFIXES

_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_NOT_FIGURE = re.compile(r"[^0-9]")
_NOT_PLAIN = re.compile(r"[^a-z0-9]")

_VAT_LABELS = re.compile(
    r"\b(?:vat|reg|no|nr|number|ust-?id-?nr|ust-?id|ust|uid-?nr|uid|mwst|tva|iva|mva|btw|moms|dph|nip|cif|nif|"
    r"tin|eori|tax|id|steuernr|steuernummer|partita|p\.?\s?iva|gst|gstin|abn|rfc|cnpj|cpf|inn|ogrn)\b[.:#]*"
)
_VAT_PREFIX = re.compile(r"^(che|[a-z]{2})(?=[a-z]{0,2}\d|[a-z]\d)")


def number(value: object) -> str | None:
    """A record number without punctuation, case and leading zeros.

    >>> number("C-00010"), number("00010")
    ('c10', '10')
    """
    return _ZEROS.sub("", code(value) or "") or None


def figures(value: object) -> str | None:
    """The figures of a record number, without leading zeros; None when there are fewer than three.

    >>> figures("C-01445"), figures("K12")
    ('1445', None)
    """
    found = _NOT_FIGURE.sub("", bare(value)).lstrip("0")
    return found if len(found) >= 3 else None


def _vat(value: object) -> tuple[str, str]:
    """The country prefix of a tax number, or ``""``, and the rest in one piece."""
    text = bare(value)
    if not text:
        return "", ""
    plain = _NOT_PLAIN.sub("", text)
    if not plain[2:].isdigit() and not plain.startswith("atu"):
        plain = _NOT_PLAIN.sub("", _VAT_LABELS.sub(" ", text))
    found = _VAT_PREFIX.match(plain)
    if found and (found.group(1) in VAT_PREFIXES or found.group(1) == "che"):
        prefix = found.group(1)
        rest = plain[len(prefix) :]
        if prefix not in ("es", "ie", "gb", "xi", "cy", "fr", "nl") or sum(map(str.isdigit, rest)) >= 5:
            return {"che": "ch", "el": "gr", "xi": "gb"}.get(prefix, prefix), rest
    return "", plain


def vat_number(value: object) -> str | None:
    """The figures of a tax number that agree with and without country prefix; None when there are fewer than five.

    What some leave out goes: zeros in front, the Dutch “B01”, the French key before the SIREN, British branches.
    Numbers made of letters too, as in India, Mexico or for persons in Italy, stay whole.

    >>> vat_number("ATU 123.456.78"), vat_number("U12345678"), vat_number("NL 123456782 B01")
    ('12345678', '12345678', '123456782')
    """
    prefix, rest = _vat(value)
    found = _NOT_FIGURE.sub("", rest)
    if len(rest) - len(found) >= 4 and len(rest) > 9 and len(found) >= 3:
        return rest
    if re.fullmatch(r"\d{9}b\d{2}", rest):
        found = rest[:9]
    elif prefix == "fr" and len(rest) == 11:
        found = rest[2:] if rest[2:].isdigit() else found
    elif prefix == "gb" and len(found) == 12:
        found = found[:9]
    elif prefix == "se" and len(found) == 12 and found.endswith("01"):
        found = found[:10]
    elif re.search(r"\d{8}-[1-5]-\d\d", as_text(value)):
        # A Hungarian number as it is written at home.
        found = found[:8]
    return (found.lstrip("0") or None) if len(found) >= 5 else None


def vat_country(value: object) -> str | None:
    """The ISO code of the country that the prefix of a tax number names; None without prefix.

    >>> vat_country("ATU12345678"), vat_country("EL123456789"), vat_country("12345678")
    ('at', 'gr', None)
    """
    return _vat(value)[0] or None


@cache
def _vat_module(iso: str) -> ModuleType | None:
    from stdnum import get_cc_module

    # A Swiss number counts without the word for tax behind it too.
    module: object = get_cc_module(iso, "uid" if iso == "ch" else "vat")
    return module if isinstance(module, ModuleType) else None


def valid_vat(value: object, country: object = None) -> bool | None:
    """Whether the form and check digit of a tax number are right; None where that is not known.

    The country is that of the prefix, else ``country``.

    >>> valid_vat("ATU13585627"), valid_vat("ATU13585626"), valid_vat("13585627", "Austria"), valid_vat("13585627")
    (True, False, None, None)
    """
    from d365kit.compare.places import country as country_code

    prefix, rest = _vat(value)
    iso = prefix or country_code(country) or ""
    if (
        not rest
        or not any(map(str.isdigit, rest))
        or COUNTRIES.get(iso) != iso
        or (module := _vat_module(iso)) is None
    ):
        return None
    if iso == "at" and not rest.startswith("u"):
        return None
    try:
        return bool(module.is_valid(("CHE" if iso == "ch" else "") + rest.upper()))
    except Exception:  # the library checks numbers of forty countries; none may stop a comparison
        return None


_REG_LABELS = re.compile(
    r"\b(?:hr[ab]?|gnr|pr|vr|fn|kvk|rcs|siren|siret|reg|register|registration|no|nr|number|company|firmenbuch|che|uid|ico|"
    r"handelsregister|regon|krs|cui|oib|orgnr|org|cvr|rea|bce|kbo|ust|crn|ein|abn|acn|rc|j|amtsgericht|ag|lg|hg)\b[.:#]*"
)
_REG_WITH_LETTERS = re.compile(r"(?:sc|ni|oc|so|nc|fc|sl|lp|r|ip|cs|ce|gs|rs|sp|ic|si|np|nv|rc|sr|ge|ac)(\d{6})")


def regno(value: object) -> str | None:
    """A registration number without register, court, punctuation, and zeros in front; a SIRET by its SIREN.

    British numbers keep the letters that name their register; other letters are left out as often as not.

    >>> regno("HRB 12345 B"), regno("FN 123456 x"), regno("CHE-123.456.789"), regno("SC123456"), regno("00123456")
    ('12345', '123456', '123456789', 'sc123456', '123456')
    """
    text = bare(value)
    plain = _NOT_PLAIN.sub("", text)
    if _REG_WITH_LETTERS.fullmatch(plain):
        return plain
    kept = _NOT_PLAIN.sub("", _REG_LABELS.sub(" ", re.sub(r"(?<=[a-z])(?=\d)", " ", text)))
    found = _NOT_FIGURE.sub("", kept)
    if len(found) == 14 and _luhn(found) and _luhn(found[:9]):
        found = found[:9]
    found = found.lstrip("0")
    return found if len(found) >= 3 else None


def _luhn(figures_only: str) -> bool:
    doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(figures_only))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def gtin(value: object) -> str | None:
    """A GTIN in its 14-figure form; the first when there are several.

    >>> gtin("4006381333931"), gtin("EAN: 4006381333931; 4006381333948")
    ('04006381333931', '04006381333931')
    """
    text = bare(value)
    found = _NOT_FIGURE.sub("", text)
    if len(found) > 14:
        found = next(iter(re.findall(r"(?<!\d)\d{8,14}(?!\d)", text)), "")
    return found.zfill(14) if 8 <= len(found) <= 14 and found.strip("0") else None


def valid_gtin(value: object) -> bool | None:
    """Whether the check digit of a GTIN is right; None when there is no GTIN.

    >>> valid_gtin("4006381333931"), valid_gtin("4006381333932"), valid_gtin("x")
    (True, False, None)
    """
    found = gtin(value)
    return None if found is None else sum(int(d) * (3, 1)[at % 2] for at, d in enumerate(found)) % 10 == 0


def bare_code(value: object) -> str | None:
    """A code without case and punctuation, and without the prefix BC gives its unit groups.

    >>> bare_code("NAV PCS"), bare_code("pcs")
    ('pcs', 'pcs')
    """
    parts = words(value)
    if len(parts) > 1 and parts[0] == "nav":
        parts = parts[1:]
    return "".join(parts) or None


_CURRENCY = re.compile(r"[^\d.,()'’\s-]+")


def amount(value: object) -> float | None:
    """An amount as a number; zero counts as missing, for it is what an empty field holds.

    >>> amount("12.50"), amount(0), amount("€ 1.234,56"), amount("1,234.56 USD"), amount("1'234.-"), amount("(12,50)")
    (12.5, None, 1234.56, 1234.56, 1234.0, -12.5)
    """
    text = as_text(value)
    try:
        found = float(text or 0)
    except ValueError:
        found = _amount(_CURRENCY.sub("", fold(text)))
    return found if found and found == found and abs(found) != float("inf") else None


def _amount(text: str) -> float:
    text = re.sub(r"[\s'’]", "", text)
    negative = text.startswith(("-", "(")) or bool(re.search(r"\d-$", text))
    text = re.sub(r"[.,]?-+$", "", text).strip("()-")
    last = max(text.rfind("."), text.rfind(","))
    if last >= 0:
        mark, other = text[last], ",."[text[last] == ","]
        alone = other not in text
        if alone and (text.count(mark) > 1 or (mark == "," and len(text) - last == 4)):
            text = text.replace(mark, "")
        else:
            text = text.replace(other, "").replace(mark, ".")
    try:
        return -float(text) if negative else float(text)
    except ValueError:
        return 0.0
