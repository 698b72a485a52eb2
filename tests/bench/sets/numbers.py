"""A country and a random source → a tax number, a company number or a GTIN whose check digits hold."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

_IRISH = "WABCDEFGHIJKLMNOPQRSTUV"
_SPANISH = "JABCDEFGHI"
_AUSTRIAN_COURT = "abdfghikmpstvwxyz"


def digits(rng: Random, count: int) -> str:
    """A count → that many random digits, the first not zero."""
    return str(rng.randrange(10 ** (count - 1), 10**count))


def weighted(text: str, weights: Sequence[int]) -> int:
    """Digits and weights → the sum of their products."""
    return sum(int(digit) * weight for digit, weight in zip(text, weights, strict=False))


def luhn(text: str) -> str:
    """Digits → the Luhn check digit that goes behind them."""
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def gtin(body: str) -> str:
    """Twelve digits → the thirteen of a GTIN."""
    return body + str(-weighted(body, (1, 3) * 6) % 10)


def tax_number(country: str, rng: Random) -> str:
    """A country → a tax number as that country prints it, with its prefix, or nothing where there is none."""
    maker = _TAX.get(country)
    return maker(rng) if maker else ""


def company_number(country: str, vat: str, rng: Random) -> str:
    """A country and a tax number → the number in that country's register of companies."""
    maker = _REGISTER.get(country)
    return maker(vat, rng) if maker else digits(rng, 8)


# --- tax numbers ---------------------------------------------------------------------------------------


def _modulo(rng: Random, count: int, weights: Sequence[int], modulus: int = 11) -> tuple[str, int]:
    """Digits whose weighted sum leaves a remainder below ten, and that remainder."""
    while True:
        body = digits(rng, count)
        rest = weighted(body, weights) % modulus
        if rest != 10:
            return body, rest


def _de(rng: Random) -> str:
    body, product = digits(rng, 8), 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return f"DE{body}{(11 - product) % 10}"


def _at(rng: Random) -> str:
    body = digits(rng, 7)
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(body))
    return f"ATU{body}{(6 - total) % 10}"


def _ch(rng: Random) -> str:
    while True:
        body = digits(rng, 8)
        check = -weighted(body, (5, 4, 3, 2, 7, 6, 5, 4)) % 11
        if check != 10:
            return f"CHE-{body[:3]}.{body[3:6]}.{body[6:]}{check} MWST"


def _nl(rng: Random) -> str:
    body, rest = _modulo(rng, 8, (9, 8, 7, 6, 5, 4, 3, 2))
    return f"NL{body}{rest}B0{rng.choice('1112')}"


def _be(rng: Random) -> str:
    body = f"0{rng.randrange(4_000_000, 8_000_000)}"
    return f"BE{body}{97 - int(body) % 97:02}"


def _lu(rng: Random) -> str:
    body = digits(rng, 6)
    return f"LU{body}{int(body) % 89:02}"


def _fr(rng: Random) -> str:
    body = digits(rng, 8)
    siren = body + luhn(body)
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02}{siren}"


def _gb(rng: Random) -> str:
    body = digits(rng, 7)
    return f"GB{body}{97 - weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 97:02}"


def _ie(rng: Random) -> str:
    body = digits(rng, 7)
    return f"IE{body}{_IRISH[weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 23]}"


def _es(rng: Random) -> str:
    letter, body = rng.choice("ABBBB"), digits(rng, 7)
    return f"ES{letter}{body}{luhn(body)}"


def _pt(rng: Random) -> str:
    body = "5" + digits(rng, 7)
    check = -weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return f"PT{body}{0 if check == 10 else check}"


def _it(rng: Random) -> str:
    body = f"{rng.randrange(100_000, 9_999_999):07}{rng.randrange(1, 101):03}"
    return f"IT{body}{luhn(body)}"


def _pl(rng: Random) -> str:
    body, rest = _modulo(rng, 9, (6, 5, 7, 2, 3, 4, 5, 6, 7))
    return f"PL{body}{rest}"


def _cz(rng: Random) -> str:
    body = f"{rng.randrange(1_000_000, 8_999_999)}"
    return f"CZ{body}{(11 - weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 11) % 10}"


def _sk(rng: Random) -> str:
    while True:
        number = rng.randrange(2_000_000_000 // 11, 2_999_999_999 // 11) * 11
        if str(number)[2] in "234789":
            return f"SK{number}"


def _hu(rng: Random) -> str:
    body = digits(rng, 7)
    return f"HU{body}{-weighted(body, (9, 7, 3, 1, 9, 7, 3)) % 10}"


def _ro(rng: Random) -> str:
    body = digits(rng, rng.choice((6, 7, 7)))
    return f"RO{body}{weighted(body.rjust(9, '0'), (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10}"


def _bg(rng: Random) -> str:
    body = digits(rng, 8)
    check = weighted(body, range(1, 9)) % 11
    if check == 10:
        check = weighted(body, range(3, 11)) % 11 % 10
    return f"BG{body}{check}"


def _gr(rng: Random) -> str:
    body = rng.choice("089") + digits(rng, 7)
    return f"EL{body}{weighted(body, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10}"


def _se(rng: Random) -> str:
    body = f"55{rng.randrange(6_000_000, 9_999_999)}"
    return f"SE{body}{luhn(body)}01"


def _dk(rng: Random) -> str:
    while True:
        body = digits(rng, 7)
        check = -weighted(body, (2, 7, 6, 5, 4, 3, 2)) % 11
        if check != 10:
            return f"DK{body}{check}"


def _no(rng: Random) -> str:
    while True:
        body = rng.choice("89") + digits(rng, 7)
        check = -weighted(body, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
        if check != 10:
            return f"NO{body}{check}MVA"


def _fi(rng: Random) -> str:
    while True:
        body = digits(rng, 7)
        check = -weighted(body, (7, 9, 10, 5, 8, 4, 2)) % 11
        if check != 10:
            return f"FI{body}{check}"


def _tr(rng: Random) -> str:
    body, total = digits(rng, 9), 0
    for place, digit in enumerate(body):
        value = (int(digit) + 9 - place) % 10
        if value:
            total += value * 2 ** (9 - place) % 9 or 9
    return f"TR{body}{-total % 10}"


def _br(rng: Random) -> str:
    body = f"{rng.randrange(1_000_000, 50_000_000):08}0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        check = -weighted(body, weights) % 11
        body += str(0 if check == 10 else check)
    return f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}"


def _jp(rng: Random) -> str:
    body = f"0{rng.randrange(10_000_000_000, 50_000_000_000)}"
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(body)))
    return f"T{9 - total % 9}{body}"


def _ca(rng: Random) -> str:
    body = digits(rng, 8)
    return f"{body}{luhn(body)} RT0001"


_TAX = {
    "DE": _de, "AT": _at, "CH": _ch, "NL": _nl, "BE": _be, "LU": _lu, "FR": _fr, "GB": _gb, "IE": _ie, "ES": _es,
    "PT": _pt, "IT": _it, "PL": _pl, "CZ": _cz, "SK": _sk, "HU": _hu, "RO": _ro, "BG": _bg, "GR": _gr, "SE": _se,
    "DK": _dk, "NO": _no, "FI": _fi, "TR": _tr, "BR": _br, "JP": _jp, "CA": _ca,
    "AE": lambda rng: f"100{digits(rng, 12)}",
    "UA": lambda rng: f"UA{digits(rng, 8)}26{digits(rng, 2)}",
}  # fmt: skip


# --- registers of companies -------------------------------------------------------------------------------


def _siret(vat: str, rng: Random) -> str:
    body = f"{vat[4:]}000{rng.randrange(1, 9)}"
    return body + luhn(body[:13].ljust(13, "0")) if len(body) == 13 else body


def _bare(vat: str, rng: Random) -> str:
    return "".join(filter(str.isdigit, vat))


_REGISTER = {
    "DE": lambda vat, rng: f"{rng.choice(('HRB', 'HRB', 'HRB', 'HRA'))} {rng.randrange(100, 260_000)}",
    "AT": lambda vat, rng: f"FN {rng.randrange(10_000, 600_000)}{rng.choice(_AUSTRIAN_COURT)}",
    "CH": lambda vat, rng: vat[:15],
    "NL": lambda vat, rng: f"{rng.randrange(1_000_000, 90_000_000):08}",
    "BE": _bare,
    "LU": lambda vat, rng: f"B{rng.randrange(10_000, 280_000)}",
    "FR": _siret,
    "GB": lambda vat, rng: f"{rng.randrange(100_000, 15_000_000):08}",
    "IE": lambda vat, rng: f"{rng.randrange(50_000, 760_000)}",
    "IT": lambda vat, rng: f"{rng.choice(('MI', 'TO', 'RM', 'BO', 'VR', 'PD'))}-{digits(rng, 7)}",
    "PL": lambda vat, rng: f"{rng.randrange(1_000, 999_999):010}",
    "HU": lambda vat, rng: f"{rng.randrange(1, 21):02}-09-{digits(rng, 6)}",
    "RO": lambda vat, rng: f"J{rng.randrange(1, 53):02}/{rng.randrange(1, 9_999)}/{rng.randrange(1991, 2024)}",
    "SE": lambda vat, rng: f"{vat[2:8]}-{vat[8:12]}",
    "DK": _bare,
    "NO": _bare,
    "FI": lambda vat, rng: f"{vat[2:9]}-{vat[9:]}",
    "US": lambda vat, rng: f"{rng.randrange(10, 99)}-{digits(rng, 7)}",
    "JP": _bare,
    "BG": _bare,
    "CZ": _bare,
    "BR": lambda vat, rng: f"{rng.randrange(100, 999)}.{rng.randrange(100, 999)}.{rng.randrange(100, 999)}",
}
