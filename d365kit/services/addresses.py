"""Roots, paths, options and literals → addresses as both services read them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from d365kit.errors import SettingsError

SERVICE_NAMES = {"bc": "Business Central", "dv": "Dataverse"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def checked(root: str, side: str) -> str:
    """Return an address of a service. Raises SettingsError for one that is none, or not encrypted."""
    parts = urlsplit(root)
    name = SERVICE_NAMES.get(side, side)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"“{root}” is not an address of {name}.", "It must begin with https://.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(
            f"The address of {name} ({root}) is not encrypted, so the token would be readable on the way.",
            "Use https://; plain http is for this machine alone.",
        )
    return root


def origin(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def address(path: str, query: Mapping[str, str]) -> str:
    """Return a path with query options, encoded the way both services read them."""
    return path + "?" + "&".join(f"{name}={quote(value, safe='(),')}" for name, value in query.items())


def quoted(text: str) -> str:
    """Return a text as a literal of a filter or a key, its quotes doubled.

    >>> quoted("O'Brien")
    "'O''Brien'"
    """
    return "'" + text.replace("'", "''") + "'"
