"""Columns of exports in eleven languages become fields; what is doubtful is said and never chosen in silence."""

# ruff: noqa: E501 - captions stand in one line, as in the files

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from d365kit.errors import SettingsError
from d365kit.kinds import LCY_ID, default_catalogue
from d365kit.services.files import FilePart, FileSource, Habits, guess, guess_kind, load, require
from tests.helpers_files import csv, xlsx

KINDS = default_catalogue()
CUSTOMER = KINDS["customer"]
GUID = "7c1b9f0a-5b1e-4f6a-9c2d-0000000000{:02d}"
SUM = "xW8nF0QbYFfT4Ql0Q7S3x3P8OoxQzqB1n5l2x5m3pJ4P6V7h3k9ZC2a1y3mLr7GQ=="

#: number, name, address, post code, city, country, phone, e-mail, currency, salesperson, credit limit as BC has them.
CAPTIONS = {
    "English": "No.;Name;Address;Post Code;City;Country/Region Code;Phone No.;Email;Currency Code;Salesperson Code;Credit Limit (LCY)",
    "German": "Nr.;Name;Adresse;PLZ-Code;Ort;Länder-/Regionscode;Telefonnr.;E-Mail;Währungscode;Verkäufercode;Kreditlimit (MW)",
    "French": "N°;Nom;Adresse;Code postal;Ville;Code pays/région;N° téléphone;E-mail;Code devise;Code vendeur;Crédit autorisé DS",
    "Spanish": "Nº;Nombre;Dirección;C.P.;Población;Cód. país/región;Nº teléfono;Correo electrónico;Cód. divisa;Cód. vendedor;Crédito máximo (DL)",
    "Italian": "Nr.;Nome;Indirizzo;CAP;Città;Cod. paese/area geografica;Nr. telefono;E-mail;Codice valuta;Cod. agente;Fido (VL)",
    "Dutch": "Nr.;Naam;Adres;Postcode;Plaats;Land-/regiocode;Telefoon;E-mail;Valutacode;Verkoper;Kredietlimiet (LV)",
    "Danish": "Nummer;Navn;Adresse;Postnr.;By;Lande-/områdekode;Telefon;Mail;Valutakode;Sælgerkode;Kreditmaksimum (RV)",
    "Swedish": "Nr;Namn;Adress;Postnr;Ort;Lands-/regionkod;Telefon;E-post;Valutakod;Säljarkod;Kreditgräns (BVA)",
    "Norwegian": "Nr.;Navn;Adresse;Postnr.;Poststed;Lands-/regionkode;Telefon;E-post;Valutakode;Selgerkode;Kredittgrense (NOK)",
    "Polish": "Nr;Nazwa;Adres;Kod pocztowy;Miasto;Kod kraju/regionu;Nr telefonu;E-mail;Kod waluty;Kod sprzedawcy;Limit kredytu (PLN)",
    "Portuguese": "N.º;Nome;Endereço;Código postal;Cidade;Cód. país/região;N.º telefone;E-mail;Cód. divisa;Cód. vendedor;Limite crédito (DL)",
}  # fmt: skip
FIELDS = [
    "number", "name", "address_line1", "post_code", "city", "country", "phone", "email", "currency_label",
    "salesperson_label", "credit_limit",
]  # fmt: skip
ROW = "00010;Müller;Weg 1;50667;Köln;DE;+49 221 123456;a@b.de;USD;JR;1.500,50"


@pytest.mark.parametrize("language", CAPTIONS)
def test_business_centrals_captions_in_every_language(tmp_path: Path, language: str) -> None:
    table = load(csv(tmp_path / "x.csv", f"{CAPTIONS[language]}\n{ROW}\n"))
    made = guess(table, CUSTOMER, "bc")
    assert {f: line.column for line in made.lines for f in line.fields} == dict(
        zip(FIELDS, [c.name for c in table.columns], strict=True)
    )
    assert made.doubtful == {}
    assert made.unused == ()
    found, others = guess_kind(table, KINDS)
    assert (found.kind, found.side, others) == ("customer", "bc", ())


ACCOUNTS = ["(Do Not Modify) Account", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Account Name",
            "Account Number", "Main Phone", "Address 1: City", "Email (Primary Contact)", "Status", "Owner"]  # fmt: skip
FIRMEN = ["(Nicht ändern) Firma", "(Nicht ändern) Zeilenprüfsumme", "(Nicht ändern) Geändert am", "Firmenname",
          "Firmennummer", "Telefon (Hauptanschluss)", "Adresse 1: Ort", "E-Mail (Primärer Kontakt)", "Status",
          "Besitzer"]  # fmt: skip


@pytest.mark.parametrize(("captions", "state"), [(ACCOUNTS, "Inactive"), (FIRMEN, "Inaktiv")])
def test_a_dataverse_view_with_its_hidden_columns(tmp_path: Path, captions: list[str], state: str) -> None:
    when = datetime(2026, 1, 2, 3, 4, 5)
    rows = [
        [GUID.format(i), SUM, when, f"Firm {i}", 10000.0 + i, "+49 1", "Köln", "x@y.de", state, "Jane"]
        for i in range(3)
    ]
    table = load(xlsx(tmp_path / "view.xlsx", [captions, *rows]))
    found, _ = guess_kind(table, KINDS)
    assert (found.kind, found.side) == ("customer", "dv")
    source = FileSource("dv", {"customer": FilePart(tmp_path / "view.xlsx")}, KINDS)
    got = source.table("customer").to_pylist()[1]
    assert got["id"] == GUID.format(1)
    assert got["etag"] == SUM
    assert got["modified_on"] == when.replace(tzinfo=UTC)
    assert got["number"] == "10001"
    assert got["state"] == 1
    assert got["salesperson_label"] == "Jane"
    # The e-mail of the primary contact is not the account's own.
    assert "email" in source.unread("customer")
    assert source.guess("customer").unused == (captions[7],)


def test_ids_are_ids_without_their_checksums(tmp_path: Path) -> None:
    rows = "".join(f"{GUID.format(i)},Firm {i},{10 + i}\n" for i in range(3))
    path = csv(tmp_path / "view.csv", f"(Do Not Modify) Account,Account Name,Account Number\n{rows}")
    source = FileSource("dv", {"customer": FilePart(path)}, KINDS)
    assert [r["id"] for r in source.table("customer").to_pylist()] == [GUID.format(i) for i in range(3)]
    assert source.guess("customer").unused == ()


def test_service_names_are_known_too(tmp_path: Path) -> None:
    head = "id,number,displayName,addressLine1,currencyId,currencyCode,lastModifiedDateTime"
    text = f"{head}\n{GUID.format(1).upper()},10,A,Weg,{GUID.format(7)},USD,2026-01-02T03:04:05Z\n"
    source = FileSource("bc", {"customer": FilePart(csv(tmp_path / "c.csv", text))}, KINDS)
    row = source.table("customer").to_pylist()[0]
    assert (row["id"], row["currency"], row["currency_label"]) == (GUID.format(1), GUID.format(7), "USD")


def test_captions_spelt_nearly_right_are_less_sure(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "c.csv", "Custmer Number;Name;Credit limit EUR\n1;A;5,00\n"))
    lines = {line.column: line for line in guess(table, CUSTOMER, "bc").lines}
    assert lines["Custmer Number"].fields == ("number",)
    assert lines["Custmer Number"].sure < 0.9
    assert "spelt nearly like" in lines["Custmer Number"].why
    assert lines["Credit limit EUR"].fields == ("credit_limit",)


def test_values_tell_where_captions_do_not(tmp_path: Path) -> None:
    text = "No.;Name;Kommunikation;Steuer\n1;A;a@b.de;DE123456789\n2;B;c@d.de;ATU12345678\n"
    made = guess(load(csv(tmp_path / "c.csv", text)), CUSTOMER, "bc")
    lines = {line.column: line for line in made.lines}
    assert lines["Kommunikation"].fields == ("email",)
    assert "look like e-mail" in lines["Kommunikation"].why
    assert lines["Steuer"].fields == ("vat_number",)


def test_a_caption_that_its_values_contradict_is_not_believed(tmp_path: Path) -> None:
    text = "No.;Name;Email\n1;A;yes\n2;B;no\n"
    assert guess(load(csv(tmp_path / "c.csv", text)), CUSTOMER, "bc").column_of("email") is None


def test_two_equally_good_columns_are_named_and_neither_is_used(tmp_path: Path) -> None:
    text = "No.;Name;Phone;Telephone\n1;A;+49 221 123456;+49 221 654321\n"
    made = guess(load(csv(tmp_path / "c.csv", text)), CUSTOMER, "bc")
    assert made.doubtful == {"phone": ("Phone", "Telephone")}
    assert made.column_of("phone") is None
    assert "--column “Phone=phone”" in str(made)
    chosen = guess(load(tmp_path / "c.csv"), CUSTOMER, "bc", {"Telephone": "phone"})
    assert chosen.doubtful == {}
    assert chosen.column_of("phone").name == "Telephone"  # type: ignore[union-attr]


def test_a_doubtful_name_without_a_number_is_an_error_naming_both(tmp_path: Path) -> None:
    made = guess(load(csv(tmp_path / "c.csv", "Name;Name;City\nA;B;C\n")), CUSTOMER, "bc")
    with pytest.raises(SettingsError, match=r"“Name” and “Name \(column B\)” could each be the name"):
        require(made, CUSTOMER)


def test_what_somebody_chose_goes_before_every_guess(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "c.csv", "Name;Code;Email\nA;7;a@b.de\n"))
    made = guess(table, CUSTOMER, "bc", {"code": "number", "Email": "-"})
    assert made.column_of("number").name == "Code"  # type: ignore[union-attr]
    assert made.column_of("email") is None
    with pytest.raises(SettingsError, match="has no column “Kode”"):
        guess(table, CUSTOMER, "bc", {"Kode": "number"})
    with pytest.raises(SettingsError, match="no field “nummber”") as caught:
        guess(table, CUSTOMER, "bc", {"Code": "nummber"})
    assert "number" in caught.value.todo


def test_without_name_and_number_the_columns_are_listed(tmp_path: Path) -> None:
    table = load(csv(tmp_path / "c.csv", "Alpha;Beta\n1;2a\n"))
    with pytest.raises(SettingsError, match="it has: Alpha, Beta"):
        require(guess(table, CUSTOMER, "bc"), CUSTOMER)
    with pytest.raises(SettingsError, match="fit no kind"):
        guess_kind(table, KINDS)


@pytest.mark.parametrize(
    ("name", "head", "row", "kind", "side"),
    [
        ("a.csv", "No.;Description;Base Unit of Measure;Unit Price;Unit Cost;Inventory", "1;Chair;PCS;5;3;2", "item", "bc"),
        ("a.csv", "Name;Product ID;Unit Group;List Price;Product Structure", "Chair;1;NAV PCS;5;Product", "item", "dv"),
        ("a.csv", "Full Name;Company Name;Business Phone;Mobile Phone;Job Title", "Jo;X;+49 221 12345;;CEO", "contact", "dv"),
        ("a.csv", "Nr.;Name;Unternehmensname;Art;Telefonnr.;Mobiltelefonnr.", "KT1;Jo;X;Person;;", "contact", "bc"),
        ("Kreditoren.csv", "Nr.;Name;Ort;PLZ-Code;Telefonnr.", "1;A;Köln;50667;", "vendor", "bc"),
        ("Debitoren.csv", "Nr.;Name;Ort;PLZ-Code;Telefonnr.", "1;A;Köln;50667;", "customer", "bc"),
        ("a.csv", "Currency Name;Currency Code;Currency Symbol;Exchange Rate", "Euro;EUR;€;1", "currency", "dv"),
    ],
)  # fmt: skip
def test_the_kind_and_the_side_are_found_out(
    tmp_path: Path, name: str, head: str, row: str, kind: str, side: str
) -> None:
    found, _ = guess_kind(load(csv(tmp_path / name, f"{head}\n{row}\n")), KINDS)
    assert (found.kind, found.side) == (kind, side)


# --- records ---


def bc(tmp_path: Path, text: str, **more: object) -> FileSource:
    return FileSource("bc", {"customer": FilePart(csv(tmp_path / "c.csv", text))}, KINDS, **more)  # type: ignore[arg-type]


def test_records_are_exact_and_codes_upper(tmp_path: Path) -> None:
    source = bc(tmp_path, f"{CAPTIONS['German']};Gesperrt\n{ROW};Alle\nk-7;B;;;;;;;;;25.000,00-; \n")
    first, second = source.table("customer").to_pylist()
    assert first["credit_limit"] == Decimal("1500.50")
    assert second["credit_limit"] == Decimal(-25000)
    assert (first["id"], second["id"], second["number"]) == ("00010", "K-7", "K-7")
    assert (first["blocked"], second["blocked"]) == ("All", None)
    assert second["city"] is None
    assert any("known by its number" in n for n in source.notes("customer"))
    assert source.unread("customer") != ()
    assert first["etag"] != second["etag"]


def test_two_rows_with_one_number_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"rows 2 and 4 have the same “10” in column “No\.”"):
        bc(tmp_path, "No.;Name\n10;A\n20;B\n10;C\n").table("customer")
    with pytest.raises(SettingsError, match="blank in 1 rows, the first is row 3"):
        bc(tmp_path, "No.;Name\n10;A\n;B\n").table("customer")


def test_a_column_that_could_be_the_key_is_named_where_rows_are_known_by_themselves(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "Ref Key;Colour;Account Name\nA-1;red;A\nA-2;red;B\nA-3;;C\n")
    source = FileSource("dv", {"customer": FilePart(path)}, KINDS)
    source.table("customer")
    assert any(n.endswith("“Ref Key” differs in every row: if it is the id, say so with --column “…:Ref Key=@id”")
               for n in source.notes("customer"))  # fmt: skip


def test_in_dataverse_a_number_is_no_key(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "Account Number;Account Name\n10;A\n10;B\n;C\n")
    source = FileSource("dv", {"customer": FilePart(path)}, KINDS)
    ids = source.table("customer").column("id").to_pylist()
    assert len(set(ids)) == 3
    assert all(i.startswith("row-") for i in ids)
    assert any("known by its row" in n for n in source.notes("customer"))
    again = FileSource("dv", {"customer": FilePart(path)}, KINDS)
    assert again.table("customer").column("id").to_pylist() == ids
    twice = FileSource("dv", {"customer": FilePart(csv(tmp_path / "t.csv", "Account Name;City\nA;X\nA;X\n"))}, KINDS)
    with pytest.raises(SettingsError, match="rows 2 and 3 hold the same in every column"):
        twice.table("customer")


def test_two_rows_with_one_id_are_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", f"accountid;Account Name\n{GUID.format(1)};A\n{{{GUID.format(1)}}};B\n")
    with pytest.raises(SettingsError, match="rows 2 and 3 have the same"):
        FileSource("dv", {"customer": FilePart(path)}, KINDS).table("customer")


def test_a_cell_that_cannot_be_is_named_with_row_and_column(tmp_path: Path) -> None:
    text = "No.;Name;Credit Limit (LCY)\n1;A;5,00\n2;B;6,50\n3;C;viel\n"
    with pytest.raises(SettingsError, match=r"column “Credit Limit \(LCY\)”: no number \(row 4 “viel”\)") as caught:
        bc(tmp_path, text).table("customer")
    assert "--column “Credit Limit (LCY)=-”" in caught.value.todo


def test_what_choices_nobody_knows_become_is_said(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "Account Name;Relationship Type\nA;Kunde\nB;Freund\n")
    source = FileSource("dv", {"customer": FilePart(path)}, KINDS)
    assert source.table("customer").column("relationship_type").to_pylist() == [3, None]
    assert any("“Freund” is no relationship type" in n for n in source.notes("customer"))


def test_references_by_code_and_by_name_become_ids_where_their_file_is_there(tmp_path: Path) -> None:
    csv(tmp_path / "c.csv", "No.;Name;Currency Code;Salesperson Code\n1;A;USD;JR\n2;B;;XX\n")
    csv(tmp_path / "w.csv", f"id;code;displayName\n{GUID.format(1)};USD;US dollar\n{GUID.format(2)};GBP;Pound\n")
    csv(tmp_path / "s.csv", "Code;Name\nJR;John\n")
    files = {"customer": "c.csv", "currency": "w.csv", "salesperson": "s.csv"}
    source = FileSource("bc", {k: FilePart(tmp_path / f) for k, f in files.items()}, KINDS)
    rows = source.table("customer").to_pylist()
    assert rows[0]["currency"] == GUID.format(1)
    assert rows[1]["currency"] == LCY_ID
    assert (rows[0]["salesperson"], rows[1]["salesperson"], rows[1]["salesperson_label"]) == ("JR", None, "XX")


def test_origin_names_file_sheet_and_digest(tmp_path: Path) -> None:
    import hashlib

    path = xlsx(tmp_path / "x.xlsx", [("No.", "Name"), ("1", "A")], title="Debitoren")
    origin = FileSource("bc", {"customer": FilePart(path)}, KINDS).origin("customer")
    assert origin.sheet == "Debitoren"
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin.modified == datetime.fromtimestamp(path.stat().st_mtime, UTC)


def test_a_column_called_like_the_records_holds_names_or_numbers(tmp_path: Path) -> None:
    names = guess(load(csv(tmp_path / "n.csv", "Customer;Town\nAlpine Ski House;Boise\n")), CUSTOMER, "bc")
    assert names.column_of("name").name == "Customer"  # type: ignore[union-attr]
    assert names.column_of("number") is None
    numbers = guess(load(csv(tmp_path / "k.csv", "Customer;Name\nC00010;Alpine\n")), CUSTOMER, "bc")
    assert numbers.column_of("number").name == "Customer"  # type: ignore[union-attr]


def test_equally_likely_kinds_are_all_said(tmp_path: Path) -> None:
    found, others = guess_kind(load(csv(tmp_path / "x.csv", "No.;Name\n1;A\n")), KINDS)
    assert found.kind == "customer"
    assert {"vendor", "item"} <= set(others)


def test_habits_somebody_gave_are_used(tmp_path: Path) -> None:
    text = "No.;Name;Credit Limit (LCY)\n1;A;1.234\n"
    assert bc(tmp_path, text).table("customer").column("credit_limit").to_pylist() == [Decimal(1234)]
    point = bc(tmp_path, text, habits=Habits("."))
    assert point.table("customer").column("credit_limit").to_pylist() == [Decimal("1.234")]
    doubtful = bc(tmp_path, text.replace(";", ","))
    assert doubtful.table("customer").column("credit_limit").to_pylist() == [Decimal("1.234")]
    assert any("two ways" in n for n in doubtful.notes("customer"))
