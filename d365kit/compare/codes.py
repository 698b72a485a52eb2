"""Numbers, phones, mail addresses, web sites and tax numbers → their essential characters."""

from __future__ import annotations

import re

from d365kit.compare.text import as_text, code, fold, words
from d365kit.compare.words import FREE_MAIL, SECOND_LEVEL, UNITS

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/*)?(?:www\d?\.)*([^/:?#\s]+)")
_MAIL = re.compile(r"[^\s@<>;,:]+@[^\s@<>;,]+\.[^\s@<>;,]+")


def number(value: object) -> str | None:
    """A record number without punctuation, case and leading zeros.

    >>> number("C-00010"), number("00010")
    ('c10', '10')
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", code(value) or "") or None


def figures(value: object) -> str | None:
    """The figures of a record number, without leading zeros; None when there are fewer than three.

    >>> figures("C-01445"), figures("K12")
    ('1445', None)
    """
    found = re.sub(r"[^0-9]", "", fold(value)).lstrip("0")
    return found if len(found) >= 3 else None


def vat_number(value: object) -> str | None:
    """The figures of a tax number, without country prefix; None when there are fewer than five.

    >>> vat_number("ATU 123.456.78"), vat_number("U12345678")
    ('12345678', '12345678')
    """
    found = re.sub(r"[^0-9]", "", fold(value))
    return found if len(found) >= 5 else None


def gtin(value: object) -> str | None:
    """A GTIN in its 14-figure form.

    >>> gtin("4006381333931")
    '04006381333931'
    """
    found = re.sub(r"[^0-9]", "", fold(value))
    return found.zfill(14) if 8 <= len(found) <= 14 else None


def phone(value: object) -> str | None:
    """The last eight figures of a phone number, so that country and trunk prefixes play no part.

    >>> phone("+43 (0)1 514 44-2100") == phone("01/51444 2100")
    True
    """
    found = re.sub(r"[^0-9]", "", fold(value))
    return found[-8:] if len(found) >= 6 else None


def phones(*values: object) -> list[str] | None:
    """The different phone numbers of a record, sorted.

    >>> phones("0664 1234567", "+43 664 1234567")
    ['41234567']
    """
    return sorted({p for p in map(phone, values) if p}) or None


def mail(value: object) -> str | None:
    """The first mail address in ``value``, in lower case.

    >>> mail("Eva <Eva.Maier@Contoso.com>")
    'eva.maier@contoso.com'
    """
    found = _MAIL.search(as_text(value).casefold()) if value is not None else None
    return found.group().strip(".") if found else None


def mail_box(value: object) -> str | None:
    """What stands before the @ of a mail address, in one piece.

    >>> mail_box("eva.maier@contoso.com")
    'evamaier'
    """
    address = mail(value)
    return code(address.split("@")[0]) if address else None


def is_free_mail(host: str) -> bool:
    """Whether anybody can have an address at ``host``.

    >>> is_free_mail("gmail.com"), is_free_mail("contoso.com")
    (True, False)
    """
    return _registered(host).split(".")[0] in FREE_MAIL


def _registered(host: str) -> str:
    """The part of a host name that is registered: “shop.contoso.co.uk” → “contoso.co.uk”."""
    parts = host.strip(".").split(".")
    keep = 3 if len(parts) > 2 and parts[-2] in SECOND_LEVEL and len(parts[-1]) == 2 else 2
    return ".".join(parts[-keep:])


def website(value: object) -> str | None:
    """The registered domain of a web address.

    >>> website("https://www.shop.contoso.com/de?x=1")
    'contoso.com'
    """
    found = _HOST.match(as_text(value).casefold().strip()) if value is not None else None
    if not found or "." not in found.group(1).strip("."):
        return None
    return _registered(found.group(1).rsplit("@", 1)[-1])


def domains(*values: object) -> list[str] | None:
    """The names of a record's own domains, from mail addresses and web sites; free-mail hosts do not count.

    The ending is left out: a company's .at and .com are one company.

    >>> domains("eva@contoso.com", "www.contoso.at", "eva@gmail.com")
    ['contoso']
    """
    found = set()
    for value in values:
        address = mail(value)
        host = _registered(address.split("@")[1]) if address else website(value)
        if host and not is_free_mail(host):
            found.add(code(host.split(".")[0]) or host)
    return sorted(found) or None


def unit_code(value: object) -> str | None:
    """A unit of measure in one spelling, without the prefix BC gives its unit groups.

    >>> unit_code("NAV STK"), unit_code("Piece")
    ('pc', 'pc')
    """
    parts = words(value)
    if len(parts) > 1 and parts[0] == "nav":
        parts = parts[1:]
    text = "".join(parts)
    return UNITS.get(text, text) or None


def bare_code(value: object) -> str | None:
    """A code without case and punctuation, and without the prefix BC gives its unit groups.

    >>> bare_code("NAV PCS"), bare_code("pcs")
    ('pcs', 'pcs')
    """
    parts = words(value)
    if len(parts) > 1 and parts[0] == "nav":
        parts = parts[1:]
    return "".join(parts) or None


def amount(value: object) -> float | None:
    """An amount as a number; zero counts as missing, for it is what an empty field holds.

    >>> amount("12.50"), amount(0)
    (12.5, None)
    """
    try:
        found = float(as_text(value) or 0) if value is not None else 0.0
    except ValueError:
        return None
    return found if found and found == found and abs(found) != float("inf") else None
