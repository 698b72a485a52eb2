"""Mail addresses and web sites → addresses, boxes, hosts, and the names of a company's own domains."""

from __future__ import annotations

import re
from functools import lru_cache

from d365kit.compare.text import as_text, code, fold
from d365kit.compare.words import (
    FREE_ANY_ENDING,
    FREE_HOSTS,
    HOSTED_UNDER,
    SECOND_LEVEL,
    SHARED_BOXES,
    SHARED_HOSTS,
    TWO_LEVEL,
)

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/*)?(?:www\d?\.)*([^/:?#\s]+)")
_MAIL = re.compile(r"[^\s@<>;,:|()\[\]\"']+@[^\s@<>;,|()\[\]\"'/?]+\.[^\s@<>;,|()\[\]\"'/?]+")
_PLAIN_MAIL = re.compile(r"[a-z0-9._-]*[a-z0-9]@(?!gmail|googlemail)[a-z0-9][a-z0-9.-]*\.[a-z]{2,}")
_WRITTEN_AT = re.compile(r"\s?[(\[{]\s?(?:at|ät|a)\s?[)\]}]\s?")
_WRITTEN_DOT = re.compile(r"\s?[(\[{]\s?(?:dot|punkt|point|punto)\s?[)\]}]\s?")
_BETWEEN = re.compile(r"[\s,;|<>]+")


def _lower(value: object) -> str:
    text = as_text(value)
    return text.lower() if text.isascii() else text.casefold()


def _mails(value: object) -> list[str]:
    text = _lower(value)
    if _PLAIN_MAIL.fullmatch(text) and "xn--" not in text and text[0] != ".":
        return [text]
    if "@" not in text:
        if "at" not in text and "ät" not in text:
            return []
        text = _WRITTEN_DOT.sub(".", _WRITTEN_AT.sub("@", text))
        if "@" not in text:
            return []
    return [found for found in map(_tidy, _MAIL.findall(text)) if found]


def _tidy(address: str) -> str | None:
    """An address without what plays no part in it: tags after a plus, and points at Google."""
    box, _, host = address.strip(".").rpartition("@")
    box, host = box.removeprefix("mailto").strip(".").partition("+")[0], _readable(host.strip("."))
    if host in ("gmail.com", "googlemail.com"):
        box, host = box.replace(".", ""), "gmail.com"
    return f"{box}@{host}" if box and "." in host else None


def _readable(host: str) -> str:
    """A host with its own letters: “xn--mller-kva.at” → “müller.at”."""
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def mail(value: object) -> str | None:
    """The first mail address in ``value``, in lower case and without a tag after a plus.

    >>> mail("Eva <Eva.Maier@Contoso.com>"), mail("eva+news@contoso.com; max@contoso.com")
    ('eva.maier@contoso.com', 'eva@contoso.com')
    """
    found = _mails(value)
    return found[0] if found else None


def mail_box(value: object) -> str | None:
    """What stands before the @ of a mail address, in one piece.

    >>> mail_box("eva.maier@contoso.com")
    'evamaier'
    """
    address = mail(value)
    return code(address.split("@")[0]) if address else None


def person_box(value: object) -> str | None:
    """The box of a mail address, unless a company shares it, as it does “info” and “office”.

    >>> person_box("eva.maier@contoso.com"), person_box("office@contoso.com")
    ('evamaier', None)
    """
    box = mail_box(value)
    return None if box in SHARED_BOXES else box


def is_free_mail(host: str) -> bool:
    """Whether anybody can have an address at ``host``.

    >>> is_free_mail("gmail.com"), is_free_mail("web.de"), is_free_mail("contoso.com")
    (True, True, False)
    """
    own = registered(host)
    return own in FREE_HOSTS or own.partition(".")[0] in FREE_ANY_ENDING


def registered(host: str) -> str:
    """The part of a host name that is registered.

    >>> registered("shop.contoso.co.uk"), registered("contoso.wordpress.com")
    ('contoso.co.uk', 'contoso.wordpress.com')
    """
    parts = host.strip(".").split(".")
    if len(parts) < 3:
        return ".".join(parts)
    ending = f"{parts[-2]}.{parts[-1]}"
    keep = 2
    if (len(parts[-1]) == 2 and parts[-2] in SECOND_LEVEL) or ending in TWO_LEVEL or ending in HOSTED_UNDER:
        keep = 3
    return ".".join(parts[-keep:])


def _host(text: str) -> str | None:
    found = _HOST.match(text)
    if not found or "." not in (host := found.group(1).rsplit("@", 1)[-1].strip(".")):
        return None
    own = registered(_readable(host))
    return own if not own.replace(".", "").isdigit() else None


def website(value: object) -> str | None:
    """The registered domain of a web address.

    >>> website("https://www.shop.contoso.com/de?x=1")
    'contoso.com'
    """
    text = _lower(value).strip()
    if "." not in text:
        return None
    for part in _BETWEEN.split(text) if _BETWEEN.search(text) else (text,):
        if host := _host(part):
            return host
    return None


@lru_cache(maxsize=1 << 12)
def _name(host: str) -> str | None:
    """The name a company registered, without its ending; None for hosts that many share."""
    if is_free_mail(host) or host in SHARED_HOSTS or host.startswith("google."):
        return None
    return code(fold(host.split(".")[0])) or host


def domains(*values: object) -> list[str] | None:
    """The names of a record's own domains, from mail addresses and web sites; hosts that anybody uses do not count.

    The ending is left out: a company's .at and .com are one company.

    >>> domains("eva@contoso.com", "www.contoso.at, facebook.com/contoso", "eva@gmail.com")
    ['contoso']
    """
    found = set()
    for value in values:
        text = _lower(value)
        if "." not in text:
            continue
        hosts = [registered(address.split("@")[1]) for address in _mails(text)]
        if not hosts:
            hosts = [host for part in _BETWEEN.split(text) if (host := _host(part))]
        found |= {name for host in hosts if (name := _name(host))}
    return sorted(found) or None
