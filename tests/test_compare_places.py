"""Addresses, towns, post codes and countries in the spellings of many countries."""

# ruff: noqa: E501 (tables of spellings)

from __future__ import annotations

import pytest

from d365kit.compare.places import city, country, post_code
from d365kit.compare.streets import house_number, street, street_key


@pytest.mark.parametrize(
    "lines",
    [
        "Hauptstraße 12 = Hauptstr. 12 = HAUPTSTRASSE 12 = Haupt-Straße 12a = Hauptstr.12 = Hauptstrasse 12-14 = Hauptstr. 12/3",
        "Hauptstr. 12 = Hauptstraße Nr. 12 = Hauptstraße, Haus-Nr. 12 = Hauptstraße 12, Top 3 = Hauptstr. 12, 2. Stock",
        "Hauptstraße 12 = Hauptstraße 12, 1010 Wien = c/o Huber, Hauptstraße 12 = Hauptstraße 12 Stiege 2 Tür 5",
        "350 Fifth Avenue = 350 5th Ave = 350 5th Ave. Suite 200 = 350 5TH AVE, FLOOR 21 = 350 5th Ave #300",
        "12 North Main Street = 12 N Main St = 12 N. Main St. Apt 4B",
        "12 Saint James Street = 12 St. James St",
        "12 rue de la Paix = 12, rue de la Paix = 12 bis, rue de la Paix = 12 r. de la Paix",
        "Avenue de l'Opéra 5 = 5, av. de l’Opéra = 5 Av de l Opera",
        "Calle Mayor, 5 = C/ Mayor 5 = C/Mayor, nº 5 = Calle Mayor 5, 2º piso",
        "Via Roma 10 = via Roma, 10 = via Roma n. 10",
        "Viale Europa 3 = V.le Europa 3",
        "Piazza Garibaldi 1 = P.za Garibaldi 1 = P.zza Garibaldi, 1",
        "ul. Marszałkowska 10 = Marszałkowska 10 = ulica Marszalkowska 10 m. 5 = ul. Marszałkowska 10/5",
        "Straße des 17. Juni 135 = Str. des 17. Juni 135",
        "Kungsgatan 5 = Kungsg. 5",
        "Strandvejen 8 = STRANDVEJEN 8 B",
        "Postfach 123 = PO Box 123 = P.O. Box 123 = Postbus 123",
        "ул. Ленина 5 = ul. Lenina, 5",
        "Keizersgracht 100 = KEIZERSGRACHT 100 hs",
        "1200 Highway 61 = 1200 Hwy 61",
    ],
)
def test_addresses_agree_in_every_style(lines):
    keys = {line: street_key(line) for line in lines.split(" = ")}
    assert None not in keys.values()
    assert len(set(keys.values())) == 1, keys


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hauptstraße 12", "Hauptgasse 12"), ("Hauptstraße 12", "Hauptstraße 13"), ("12 N Main St", "12 S Main St"),
     ("5th Ave 10", "6th Ave 10"), ("Straße des 17. Juni 135", "Straße des 18. Juni 135"), ("Rue 1 Mai 5", "Rue 8 Mai 5")],
)  # fmt: skip
def test_other_addresses_stay_different(one, other):
    assert street_key(one) != street_key(other)


def test_an_address_may_come_in_several_fields():
    whole = street_key("Hauptstraße 12a")
    assert street_key("12a", "Hauptstraße") == street_key("12", "Hauptstr.", "2. Stock") == whole
    assert street_key(None, "Hauptstraße 12", None) == street_key("Gewerbepark Nord", "Hauptstr. 12") == whole
    assert street_key("12-14", "Hauptstr.", "Top 3") == whole
    assert (street("12"), house_number(None, None), street_key()) == (None, None, None)


@pytest.mark.parametrize(
    "spellings",
    [
        "Wien=Vienna=Wien 10=1010 Wien=Wien, Favoriten=Wien-Liesing=WIEN XXI=Vienne=Bécs",
        "Köln=Cologne=Koeln=Köln-Porz=Colonia",
        "München=Munich=Muenchen=Monachium",
        "Frankfurt am Main=Frankfurt a.M.=Frankfurt/Main=Frankfurt (Main)=Frankfurt=Francfort",
        "Praha=Prague=Prag=Praha 4=Praha-Vinohrady",
        "Warszawa=Warsaw=Warschau=Varsovie",
        "Genève=Geneva=Genf=Ginevra",
        "Bruxelles=Brussels=Brussel=Brüssel",
        "København=Copenhagen=Kopenhagen",
        "Lisboa=Lisbon=Lissabon",
        "Milano=Milan=Mailand",
        "Firenze=Florence=Florenz",
        "Москва=Moskva=Moscow=Moskau",
        "Paris=Paris 8e=Paris 08=PARIS CEDEX=Paris Cedex 12",
        "Dublin=Dublin 2",
        "St. Pölten=Sankt Pölten=St Poelten=SANKT POELTEN",
        "Saint Louis=St. Louis",
        "Ústí nad Labem=Ústí n. L.=Usti",
        "New York=New York City=NYC",
        "Göteborg=Gothenburg",
        "Den Haag=The Hague='s-Gravenhage",
    ],
)
def test_towns_agree_in_every_language(spellings):
    assert len({city(s) for s in spellings.split("=")}) == 1, {s: city(s) for s in spellings.split("=")}


def test_towns_with_hyphens_of_their_own_stay_whole():
    assert city("Baden-Baden") == "badenbaden"
    assert city("Garmisch-Partenkirchen") == "garmischpartenkirchen"
    assert city("Linz") != city("Lienz")


@pytest.mark.parametrize(
    "spellings",
    ["D-80331=80331=DE-80331=80331.0=D 80331", "SW1A 1AA=sw1a1aa=GB SW1A 1AA", "K1A 0B1=k1a0b1", "90210=90210-1234=902101234",
     "1234 AB=1234AB=NL-1234 AB", "SE-123 45=123 45=12345", "LV-1010=1010=A-1010=A 1010"],
)  # fmt: skip
def test_post_codes_agree(spellings):
    assert len({post_code(s) for s in spellings.split("=")}) == 1, {s: post_code(s) for s in spellings.split("=")}


def test_a_post_code_gets_lost_zeros_back_where_the_country_is_known():
    assert post_code("1067", "Germany") == post_code("01067") == "01067"
    assert post_code("1010", "AT") == post_code("1010", None) == "1010"


@pytest.mark.parametrize(
    ("iso", "names"),
    [("at", "Austria=AUT=Österreich=A=at=Autriche=Republik Österreich"), ("de", "Germany=DEU=D=Deutschland=Allemagne"),
     ("us", "USA=U.S.A.=United States of America=US=Vereinigte Staaten"), ("gb", "UK=U.K.=United Kingdom=GB=GBR=England"),
     ("ch", "Switzerland=Schweiz=CHE=CH=Suisse"), ("cz", "Czech Republic=Česko=CZE=Tschechien"), ("nl", "The Netherlands=Holland=NLD"),
     ("kr", "South Korea=Republic of Korea=KOR"), ("ru", "Россия=Russia=Russian Federation"), ("gr", "Ελλάδα=Greece=EL=GRC"),
     ("jp", "Japan=JPN=Nippon"), ("ae", "UAE=United Arab Emirates"), ("tr", "Türkiye=Turkey=TUR"), ("pl", "Polska=Poland=POL")],
)  # fmt: skip
def test_countries_agree_in_every_language(iso, names):
    assert {country(name) for name in names.split("=")} == {iso}, {n: country(n) for n in names.split("=")}
