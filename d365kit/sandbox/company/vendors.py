"""Invented suppliers → vendors with company contacts and people in BC, accounts of type Vendor in Dataverse."""

from __future__ import annotations

from d365kit.sandbox.company.cards import Card
from d365kit.sandbox.company.customers import ONLY_BC, ONLY_DV, CustomerWriter, Rounds, bc_address
from d365kit.sandbox.company.masters import LCY, TERMS
from d365kit.sandbox.company.partners import Business
from d365kit.sandbox.company.world import Bulk, World, names
from d365kit.sandbox.schema import BLANK_ENUM, ZERO_GUID, schema

#: account.customertypecode of a vendor (option-sets.csv).
VENDOR_TYPE = 11
_FEWEST = 4
_PER_CUSTOMERS = 10
_BLOCKED_EVERY = 5
_PEOPLE = (0, 1, 1, 1, 2)
_ONLY_BC_PERSON = 0.1
_VENDOR = names(
    "id number displayName addressLine1 addressLine2 city state country postalCode phoneNumber email website "
    "taxRegistrationNumber currencyId currencyCode paymentTermsId blocked Fax_No MobilePhoneNo Control16 "
    "Purchaser_Code Shipment_Method_Code lastModifiedDateTime Primary_Contact_No"
)


class VendorWriter(CustomerWriter):
    """Writes suppliers to both sides, with sources of their own."""

    purposes = ("vendors", "vendor accounts", "vendor noise", "vendor cards")
    relation = "Vendor"
    contact_series = "CV"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.vendors = Bulk(world.store, schema("bc").sets["vendors"], _VENDOR)
        self.last = 0

    def build(self, customers: int) -> None:
        """Write about a tenth as many vendors as customers: most on both sides, some on one."""
        count = max(_FEWEST, customers // _PER_CUSTOMERS)
        alone, lonely = Rounds(ONLY_BC), 0
        self.only_bc_person = Rounds(_ONLY_BC_PERSON)
        for _ in range(count):
            business = self.registry.business()
            if alone.next():
                lonely += 1
                card = self.cards.partner(business, both=False)
                blocked = lonely % _BLOCKED_EVERY == 0
                _, _, contact = self.vendor(business, card, blocked)
                if not blocked:
                    self.bc_person(business, self.registry.person(business), contact, self.cards.salutation())
            else:
                self.matched(business)
        for _ in range(round(count * ONLY_DV)):
            business = self.registry.business()
            self.account(business, "", VENDOR_TYPE, 0, dirty=False)
        self.finish()

    def matched(self, business: Business) -> None:
        """Write a supplier both sides know, and its people."""
        card = self.cards.partner(business, both=True)._replace(shipping=None)
        number, vendor, contact = self.vendor(business, card, blocked=False)
        account = self.account(business, number, VENDOR_TYPE, 0, dirty=True, card=card)
        self.truth.append(("vendor", vendor, account))
        for _ in range(self.source.rng.choice(_PEOPLE)):
            person, salutation = self.registry.person(business), self.cards.salutation()
            bc_id = self.bc_person(business, person, contact, salutation)
            if self.only_bc_person.next():
                continue
            dv_id = self.dv_person(business, person, account, dirty=True, salutation=salutation)
            self.truth.append(("contact", bc_id, dv_id))
            if card.primary:
                self.vendors.amend(self.last_contact)
                self.accounts.amend(dv_id)

    def vendor(self, business: Business, card: Card, blocked: bool) -> tuple[str, str, str]:
        """Write a BC vendor with its company contact; return number, id and the contact's number."""
        self.last += 10
        number, key = f"V{self.last:05}", self.source.guid()
        ids = self.world.ids
        self.vendors.add(
            key,
            number,
            business.name,
            *bc_address(business),
            business.phone,
            business.email,
            business.website,
            business.vat,
            ZERO_GUID if business.currency == LCY else ids[f"bc:{business.currency}"],
            business.currency,
            ids[f"terms:{TERMS[business.terms][0]}"],
            "All" if blocked else BLANK_ENUM,
            card.fax,
            card.mobile,
            card.contact,
            business.salesperson,
            card.method,
            self.source.time(3),
            "",
        )
        return number, key, self.company_contact(business, key)

    def finish(self) -> None:
        """Insert what is left, note the pairs and where the vendors' numbers stand."""
        self.vendors.flush()
        for bulk in (self.contacts, self.links, self.accounts, self.people):
            bulk.flush()
        with self.world.store.transaction() as connection:
            connection.executemany("INSERT INTO truth (kind, bc_id, dv_id) VALUES (?, ?, ?)", self.truth)
        self.world.store.remember("series:vendors", self.last)
