"""Businesses and people → customers, contacts and their links in BC, accounts and contacts in Dataverse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from d365kit.sandbox.company.cards import Card, Cards
from d365kit.sandbox.company.masters import LCY, TERMS
from d365kit.sandbox.company.noise import Noise, phone
from d365kit.sandbox.company.partners import Business, Person, Registry
from d365kit.sandbox.company.world import Bulk, Source, World, names
from d365kit.sandbox.odata.values import stored_number
from d365kit.sandbox.schema import BLANK_ENUM, ZERO_GUID, company_schema, schema

#: Shares of all businesses: 72 % on both sides, 14 % on one side only; here per BC customer.
ONLY_BC = 14 / 86
ONLY_DV = 14 / 86
_BLOCKED_EVERY = 5
_ONLY_BC_PERSON = 0.06
_ONLY_DV_PERSON = 0.05
_PEOPLE = (0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4)
_OTHERS = ((8, 0, 0.06), (5, 0, 0.01), (11, 0, 0.03), (3, 1, 0.02))
_BLANK_NUMBER = 0.4
_MOVED = 0.03

_CUSTOMER = names(
    "id number displayName addressLine1 addressLine2 city state country postalCode phoneNumber email website "
    "salespersonCode balanceDue creditLimit taxRegistrationNumber currencyId currencyCode paymentTermsId blocked "
    "lastModifiedDateTime shipmentMethodId Shipping_Agent_Code Fax_No MobilePhoneNo ContactName Primary_Contact_No"
)
_CONTACT = names(
    "id number type displayName jobTitle companyNumber companyName contactBusinessRelation addressLine1 addressLine2 "
    "city state country postalCode phoneNumber mobilePhoneNumber email website searchName taxRegistrationNumber "
    "lastModifiedDateTime Salesperson_Code Currency_Code Salutation_Code"
)
_LINK = names("contactId contactNumber contactName relatedId")
_ADDRESS = names(
    "address1_line1 address1_line2 address1_city address1_stateorprovince address1_country address1_postalcode "
    "telephone1 emailaddress1 websiteurl"
)
_OWNER = names(
    "_ownerid_value _ownerid_type _owninguser_value _owningteam_value _bcbi_companyid_value createdon modifiedon"
)
_ACCOUNT = (
    *names("accountid name accountnumber customertypecode statecode statuscode paymenttermscode creditlimit"),
    *names("creditlimit_base _transactioncurrencyid_value exchangerate"),
    *_ADDRESS,
    *_OWNER,
    *names("address1_freighttermscode address1_shippingmethodcode fax telephone2 address1_primarycontactname"),
    "_primarycontactid_value",
)
_DV_CONTACT = (
    *names("contactid firstname middlename lastname fullname jobtitle mobilephone salutation"),
    *names("_transactioncurrencyid_value exchangerate"),
    *names("_parentcustomerid_value _accountid_value"),
    *_ADDRESS,
    *_OWNER,
)
_NO_CARD = Card()


class Rounds:
    """Spreads a share evenly: `next` is true for that share of the calls, the first one excepted."""

    def __init__(self, share: float) -> None:
        self.share, self.sum = share, 0.0

    def next(self) -> bool:
        """Return whether this call belongs to the share."""
        self.sum += self.share
        if self.sum < 1:
            return False
        self.sum -= 1
        return True


class CustomerWriter:
    """Writes businesses to both sides; a writer of other partners names its own sources and what ties contacts."""

    purposes = ("customers", "accounts", "noise", "cards")
    relation = "Customer"
    series = "C"
    contact_series = "CT"
    #: The company's place in the environment; and its id in the table of true pairs, "" for the first one.
    place, company = 1, ""

    def __init__(self, world: World) -> None:
        self.world = world
        self.source, self.dv_source, noise = (Source(world.seed, purpose) for purpose in self.purposes[:3])
        self.cards = Cards(world, self.purposes[3])
        self.registry = Registry(self.source, world.dirt)
        self.noise = Noise(noise.rng, world.dirt)
        store, bc, dv = world.store, company_schema(self.place).sets, schema("dv")
        user = dict.fromkeys(("_createdby_value", "_modifiedby_value"), world.ids["integration_user"])
        user["_owningbusinessunit_value"] = world.ids["unit"]
        self.customers = Bulk(store, bc["customers"], _CUSTOMER, {"type": "Company"})
        self.contacts = Bulk(store, bc["contacts"], _CONTACT)
        kinds = {"contactType": "Company", "relatedType": self.relation}
        self.links = Bulk(store, bc["contactsInformation"], _LINK, kinds)
        self.accounts = Bulk(store, dv.entity("account"), _ACCOUNT, user)
        person = user | {"statecode": 0, "statuscode": 1, "_parentcustomerid_type": "account"}
        self.people = Bulk(store, dv.entity("contact"), _DV_CONTACT, person)
        self.truth: list[tuple[str, str, str]] = []
        self.numbers = {"customers": 0, "contacts": 0}
        self.last_contact = ""
        self.rates = self._rates()

    def build(self, customers: int) -> None:
        """Write the customers, their people, and the accounts BC does not know."""
        alone, only_bc_person, only_dv_person = Rounds(ONLY_BC), Rounds(_ONLY_BC_PERSON), Rounds(_ONLY_DV_PERSON)
        self.only_bc_person, self.only_dv_person = only_bc_person, only_dv_person
        lonely = 0
        for _ in range(customers):
            business = self.registry.business()
            if alone.next():
                lonely += 1
                self.unmatched(business, blocked=lonely % _BLOCKED_EVERY == 0)
            else:
                self.matched(business)
        for _ in range(round(customers * ONLY_DV)):
            business = self.registry.business()
            account = self.account(business, "", 3, 0, dirty=False)
            for _ in range(self.source.rng.choice(_PEOPLE)):
                self.dv_person(business, self.registry.person(business), account, dirty=False)
        for kind, state, share in _OTHERS:
            for _ in range(round(customers * share)):
                self.account(self.registry.business(), "", kind, state, dirty=False)
        self.finish()

    def matched(self, business: Business) -> None:
        """Write a business both sides know, and its people."""
        card = self.cards.partner(business, both=True)
        number, customer, contact = self.customer(business, card, blocked=False)
        account = self.account(business, number, 3, 0, dirty=True, card=card)
        self.truth.append(("customer", customer, account))
        for _ in range(self.source.rng.choice(_PEOPLE)):
            person, salutation = self.registry.person(business), self.cards.salutation()
            bc_id = self.bc_person(business, person, contact, salutation)
            if not self.only_bc_person.next():
                dv_id = self.dv_person(business, person, account, dirty=True, salutation=salutation)
                self.truth.append(("contact", bc_id, dv_id))
                if card.primary:
                    self.customers.amend(self.last_contact)
                    self.accounts.amend(dv_id)
        if self.only_dv_person.next():
            self.dv_person(business, self.registry.person(business), account, dirty=False)

    def unmatched(self, business: Business, blocked: bool) -> None:
        """Write a business only BC knows; a blocked one has no people."""
        _, _, contact = self.customer(business, self.cards.partner(business, both=False), blocked)
        for _ in range(0 if blocked else self.source.rng.choice(_PEOPLE)):
            self.bc_person(business, self.registry.person(business), contact, self.cards.salutation())

    def customer(self, business: Business, card: Card, blocked: bool) -> tuple[str, str, str]:
        """Write a BC customer with its company contact; return number, id and the contact's number."""
        self.numbers["customers"] += 10
        number, key = f"{self.series}{self.numbers['customers']:05}", self.source.guid()
        local = business.currency == LCY
        ids, name = self.world.ids, business.name
        due = self.source.rng.randrange(0, 800_000) if self.source.rng.random() < 0.3 else 0
        self.customers.add(
            key,
            number,
            name,
            *bc_address(business),
            business.phone,
            business.email,
            business.website,
            business.salesperson,
            stored_number(Decimal(due) / 100),
            business.limit,
            business.vat,
            ZERO_GUID if local else ids[f"bc:{business.currency}"],
            business.currency,
            ids[f"terms:{TERMS[business.terms][0]}"],
            "All" if blocked else BLANK_ENUM,
            self.source.time(3),
            ids[f"shipment:{card.method}"] if card.method else ZERO_GUID,
            card.agent,
            card.fax,
            card.mobile,
            card.contact,
            "",
        )
        return number, key, self.company_contact(business, key)

    def company_contact(self, business: Business, partner: str) -> str:
        """Write the company contact that stands for a partner, tied to it; return its number."""
        contact, contact_id, name = self._contact_number(), self.source.guid(), business.name
        place = bc_address(business)
        head = (contact_id, contact, "Company", name, "", contact, name, self.relation)
        reach = (business.phone, "", business.email, business.website, name.upper(), business.vat)
        self.contacts.add(*head, *place, *reach, self.source.time(3), "", "", "")
        self.links.add(contact_id, contact, name, partner)
        return contact

    def bc_person(self, business: Business, person: Person, company: str, salutation: str) -> str:
        """Write a BC person contact of a company contact; return its id."""
        key, number = self.source.guid(), self._contact_number()
        head = (key, number, "Person", person.name, person.title, company, business.name, self.relation)
        direct = phone(business.country, business.city.area, person.phone_local)
        reach = (direct, person.mobile, person.email, "", person.name.upper(), "")
        card = ("", "", "")
        if self.cards.options:
            card = (business.salesperson, "" if business.currency == LCY else business.currency, salutation)
        self.contacts.add(*head, *bc_address(business), *reach, self.source.time(3), *card)
        self.last_contact = number
        return key

    def account(
        self, business: Business, number: str, kind: int, state: int, dirty: bool, card: Card = _NO_CARD
    ) -> str:
        """Write an account; ``dirty`` spells it the way another system might. Return its id."""
        noise, key = self.noise, self.dv_source.guid()
        name, line1, post, city = business.name, business.line1, business.post, business.city
        values = (business.phone, business.email, business.website)
        if dirty:
            name, line1 = noise.company(business.base, business.legal, business.country), noise.street(line1)
            if noise.hit(_MOVED):
                line1, post, city = self.registry.address(business.country)
            number = "" if noise.hit(_BLANK_NUMBER) else number
            reached = noise.phone(business.country, business.city.area, business.local)
            values = (reached, noise.email(business.email), noise.website(business.website))
            if (name, post) != (business.name, business.post) and not self.registry.claim(name, post):
                name, line1, post, city = business.name, business.line1, business.post, business.city
        rate, stored, currency = self.rates[business.currency]
        self.accounts.add(
            key,
            name[:100],
            number or None,
            kind,
            state,
            2 if state else 1,
            TERMS[business.terms][2],
            business.limit,
            stored_number((business.limit / rate).quantize(Decimal("0.01"))),
            currency,
            stored,
            *_blank_to_none(line1, business.line2, city.name, city.state, business.country.code, post, *values),
            *self._owner(business),
            card.freight,
            card.shipping,
            *_blank_to_none(card.fax, card.mobile, card.contact),
            None,
        )
        return key

    def dv_person(self, business: Business, person: Person, account: str, dirty: bool, salutation: str = "") -> str:
        """Write a Dataverse contact of an account; return its id."""
        noise, key = self.noise, self.dv_source.guid()
        first, middle, last, title = person.first, person.middle, person.last, person.title
        reached, email = phone(business.country, business.city.area, person.phone_local), person.email
        line1, mobile = business.line1, person.mobile
        if dirty:
            first, last = noise.first_name(first), noise.text(last, 0.05)
            middle = "" if noise.hit(0.5) else middle
            title = "" if noise.hit(0.2) else title
            reached = noise.phone(business.country, business.city.area, person.phone_local)
            email, mobile = noise.email(email), "" if noise.hit(0.15) else mobile
            line1 = noise.street(line1)
        full = " ".join(filter(None, (first, middle, last)))
        place = (line1, business.line2, business.city.name, business.city.state, business.country.code, business.post)
        names = _blank_to_none(first, middle, last, full, title, mobile, salutation)
        _, rate, currency = self.rates[business.currency]
        money = (currency, rate) if self.cards.options else (None, None)
        reach = _blank_to_none(*place, reached, email, "")
        self.people.add(key, *names, *money, account, account, *reach, *self._owner(business))
        return key

    def finish(self) -> None:
        """Insert what is left, note the pairs and where the number series stand."""
        for bulk in (self.customers, self.contacts, self.links, self.accounts, self.people):
            bulk.flush()
        with self.world.store.transaction() as connection:
            rows = [(*pair, self.company) for pair in self.truth]
            connection.executemany("INSERT INTO truth VALUES (?, ?, ?, ?)", rows)
        for name, last in self.numbers.items():
            prefix = "series" if self.place == 1 else f"series:bc{self.place}"
            self.world.store.remember(f"{prefix}:{name}", last)

    def _contact_number(self) -> str:
        self.numbers["contacts"] += 10
        return f"{self.contact_series}{self.numbers['contacts']:06}"

    def _owner(self, business: Business) -> tuple[Any, ...]:
        ids = self.world.ids
        user = ids.get(f"user:{business.salesperson}")
        team = None if user else ids["team"]
        company = ids["dv_company"] if self.dv_source.rng.random() < 0.9 else None
        created = self.dv_source.time(0)
        modified = max(created, self.dv_source.time(0))
        return user or team, "systemuser" if user else "team", user, team, company, created, modified

    def _rates(self) -> dict[str, tuple[Decimal, Any, str]]:
        """Return by currency its rate, the same as it is stored, and the id of its row in Dataverse."""
        sql = 'SELECT isocurrencycode, exchangerate, transactioncurrencyid FROM "dv_transactioncurrency"'
        return {code: (Decimal(str(rate)), rate, key) for code, rate, key in self.world.store.query(sql)}


def bc_address(business: Business) -> tuple[str, ...]:
    """Return the address of a business in the order of BC's columns."""
    place = business.city
    return (business.line1, business.line2, place.name, place.state, business.country.code, business.post)


def _blank_to_none(*values: str) -> tuple[str | None, ...]:
    return tuple(value or None for value in values)
