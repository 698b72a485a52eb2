"""What the tests of files share: workbooks and texts as programs and people write them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from d365kit.nouns.frames import records


def xlsx(path: Path, rows: Iterable[Sequence[object]], *, title: str = "Sheet1", merge: Sequence[str] = ()) -> Path:
    """Write a workbook with one sheet."""
    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for area in merge:
        sheet.merge_cells(area)
    book.save(path)
    return path


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file in an encoding."""
    path.write_bytes(text.encode(encoding))
    return path


def local(number: object) -> str:
    """An amount as a German Business Central writes it."""
    if number is None:
        return ""
    return f"{number:,.2f}".replace(",", "\0").replace(".", ",").replace("\0", ".")


#: field → caption of a German Business Central's list of customers.
BC_CUSTOMERS = {
    "number": "Nr.", "name": "Name", "address_line1": "Adresse", "address_line2": "Adresse 2",
    "post_code": "PLZ-Code", "city": "Ort", "country": "Länder-/Regionscode", "phone": "Telefonnr.",
    "email": "E-Mail", "website": "Homepage", "currency_label": "Währungscode",
    "salesperson_label": "Verkäufercode", "credit_limit": "Kreditlimit (MW)", "vat_number": "USt-IdNr.",
    "blocked": "Gesperrt",
}  # fmt: skip
#: field → display name of Dataverse's columns of accounts.
DV_ACCOUNTS = {
    "name": "Account Name", "number": "Account Number", "phone": "Main Phone", "email": "Email",
    "website": "Website", "address_line1": "Address 1: Street 1", "address_line2": "Address 1: Street 2",
    "post_code": "Address 1: ZIP/Postal Code", "city": "Address 1: City",
    "country": "Address 1: Country/Region", "currency_label": "Currency", "salesperson_label": "Owner",
    "credit_limit": "Credit Limit", "state": "Status", "relationship_type": "Relationship Type",
}  # fmt: skip
_WORDS = {"state": {0: "Active", 1: "Inactive"}, "relationship_type": {3: "Customer", 11: "Vendor", 12: "Other"}}


def export_customers(frame: pd.DataFrame, path: Path) -> Path:
    """Write customers as a German user gets them: semicolons, Windows-1252, 1.234,56, a row of totals."""
    rows = records(frame)
    lines = [";".join(BC_CUSTOMERS.values())]
    for row in rows:
        cells = {f: local(row[f]) if f == "credit_limit" else row[f] for f in BC_CUSTOMERS}
        lines.append(";".join(_quoted(cells[f]) for f in BC_CUSTOMERS))
    lines.append(f"Summe;{';' * 10};{local(sum((r['credit_limit'] or 0) for r in rows))};;")
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252", "replace"))
    return path


def _quoted(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ';"\n') else text


def export_accounts(frame: pd.DataFrame, path: Path) -> Path:
    """Write accounts as *Export to Excel* of a view does, with its three hidden columns."""
    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = "My Active Accounts"
    hidden = ["(Do Not Modify) Account", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On"]
    sheet.append([*hidden, *DV_ACCOUNTS.values()])
    for row in records(frame):
        checksum = base64.b64encode(hashlib.sha512(str(row["id"]).encode()).digest()).decode()
        cells = {f: _WORDS[f].get(row[f], "Other") if f in _WORDS else row[f] for f in DV_ACCOUNTS}
        changed = row["modified_on"]
        sheet.append([row["id"], checksum, changed.replace(tzinfo=None) if changed else None, *cells.values()])
    for letter in "ABC":
        sheet.column_dimensions[letter].hidden = True
    book.save(path)
    return path
