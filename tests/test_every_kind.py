"""The sandbox's companies hold every kind, and one call pulls all of them."""

from __future__ import annotations

import httpx
import pytest

from d365kit import pull as pulling
from d365kit.kinds import Catalogue, load_catalogue
from d365kit.nouns import Snapshot
from d365kit.sandbox import Sandbox
from d365kit.services import BearerAuth, BusinessCentral, Dataverse, run
from d365kit.services.auth import GivenToken

CATALOGUE: Catalogue = load_catalogue()


@pytest.fixture(scope="module")
def pulled() -> dict[str, Snapshot]:
    """Both companies with every kind there is, each from one call."""
    sandbox = Sandbox.create(None, customers=200, seed=3, faults=(), dirt=0.0)
    auth = BearerAuth(GivenToken(sandbox.token))
    origin, transport = "http://127.0.0.1", httpx.ASGITransport(app=sandbox.app)
    dv = Dataverse(origin + sandbox.dv_root, auth, transport=transport)
    found = {}
    for name, company in zip(("first", "second"), sandbox.companies.values(), strict=True):
        bc = BusinessCentral(origin + sandbox.bc_root, company, auth, transport=transport)
        found[name] = pulling.pull(bc, dv, catalogue=CATALOGUE, company=run(dv.company_row(company)))
    return found


def test_one_call_pulls_every_kind(pulled: dict[str, Snapshot]) -> None:
    for snapshot in pulled.values():
        assert set(snapshot.kinds) == set(CATALOGUE.names)
        for kind in CATALOGUE:
            for frame in (snapshot[kind.name].bc, snapshot[kind.name].dv):
                assert list(frame.columns) == kind.schema.names


@pytest.mark.parametrize("kind", CATALOGUE.names)
def test_every_kind_has_records_on_both_sides(pulled: dict[str, Snapshot], kind: str) -> None:
    # Unit groups of items are the way of the second company, prices of price groups that of the first.
    held = [(len(s[kind].bc), len(s[kind].dv)) for s in pulled.values()]
    assert any(bc and dv for bc, dv in held), held


def test_references_point_at_records(pulled: dict[str, Snapshot]) -> None:
    """Every reference in use is found: a code that no record has would show as an id without a target."""
    for snapshot in pulled.values():
        for kind in CATALOGUE:
            for f in kind.references:
                for side in ("bc", "dv"):
                    ids = set(snapshot[kind.name].side(side)[f.name].dropna())
                    known = {i for k in f.refers_to for i in snapshot[k].everything(side)["id"]}
                    assert ids <= known, (kind.name, f.name, side)


def test_codes_and_numbers_are_found_as_references(pulled: dict[str, Snapshot]) -> None:
    first, second = pulled["first"], pulled["second"]
    used = {
        "customer": ("currency", "salesperson", "payment_terms", "shipment_method", "shipping_agent"),
        "vendor": ("currency", "salesperson", "payment_terms"),
        "contact": ("customer",),
        "resource": ("unit",),
        "price": ("list", "product", "unit"),
        "sales_price": ("list", "product"),
        "opportunity": ("contact", "customer", "salesperson"),
        "quote": ("customer",),
        "quote_line": ("quote", "product"),
        "sales_order": ("customer", "currency"),
        "sales_order_line": ("order", "product", "currency"),
        "invoice": ("customer", "currency"),
        "invoice_line": ("invoice", "product"),
    }
    for kind, fields in used.items():
        for name in fields:
            assert first[kind].bc[name].notna().any(), (kind, name)
            assert first[kind].bc[f"{name}_label"].notna().any(), (kind, name)
            assert first[kind].dv[name].notna().any(), (kind, name)
    for kind, name in (
        ("item", "base_unit"),
        ("resource", "base_unit"),
        ("item_unit", "group"),
        ("price", "base_unit"),
    ):
        assert second[kind].bc[name].notna().any(), (kind, name)
        assert second[kind].dv[name].notna().any(), (kind, name)


def test_blanks_of_both_services_are_missing(pulled: dict[str, Snapshot]) -> None:
    for snapshot in pulled.values():
        for sides in snapshot:
            for frame in (sides.bc, sides.dv):
                for column in frame.columns:
                    texts = frame[column].dropna().astype(str)
                    blank = texts[texts.str.strip().isin(["", "0001-01-01", "_x0020_"])]
                    assert blank.empty, (sides.kind, column)
                    if column not in ("id", "currency"):
                        assert not (texts == "00000000-0000-0000-0000-000000000000").any(), (sides.kind, column)


def test_both_sides_say_the_same_of_true_pairs(pulled: dict[str, Snapshot]) -> None:
    """Like is compared with like: the rate of a currency is the same number on both sides, not its inverse."""
    snapshot = pulled["first"]
    bc = snapshot["currency"].bc.set_index("code")["rate"]
    dv = snapshot["currency"].dv.set_index("code")["rate"]
    both = bc.index.intersection(dv.index)
    assert len(both) > 5
    assert all(abs(bc[c] - dv[c]) < 1e-9 for c in both if c is not None)
    assert bc["EUR"] == 1
