"""Customers, vendors and contacts → the company contact that stands for a partner, and what it shares with it."""

from __future__ import annotations

from d365kit.sandbox.business_central.company import Company, blank, next_number, touch
from d365kit.sandbox.store import Row
from d365kit.sandbox.wire import Refusal, new_guid

#: What a customer and its company contact have in common (sync-rules.md H6).
SHARED_WITH_CONTACT = (
    "displayName",
    "addressLine1",
    "addressLine2",
    "city",
    "state",
    "country",
    "postalCode",
    "phoneNumber",
    "email",
    "website",
    "taxRegistrationNumber",
)
#: The sets whose rows have a company contact, and what contacts call the relation.
RELATION = {"customers": "Customer", "vendors": "Vendor"}


def company_of(company: Company, values: Row, whole: Row) -> None:
    """Fill what a contact takes from its company contact; a company is its own company."""
    if whole["type"] == "Company":
        values |= {"companyNumber": whole["number"], "companyName": whole["displayName"]}
        return
    number = whole["companyNumber"]
    found = company.find("contacts", "number", number) if number else None
    if number and (found is None or found["type"] != "Company"):
        text = f"The value ({number}) of companyNumber cannot be found in the related table (Contact)."
        raise Refusal(400, "Internal_InvalidTableRelation", text)
    values["companyName"] = found["displayName"] if found else ""
    values["contactBusinessRelation"] = found["contactBusinessRelation"] if found else "None"


def add_company_contact(company: Company, set: str, partner: Row) -> None:
    """Give a new customer or vendor a company contact and tie the two, as BC does."""
    contacts, links = company.table("contacts"), company.table("contactsInformation")
    kind = RELATION[set]
    number = next_number(company.store, contacts)
    row = blank(contacts) | {name: partner[name] for name in SHARED_WITH_CONTACT}
    row |= {"id": new_guid(), "number": number, "type": "Company", "contactBusinessRelation": kind}
    row |= {"companyNumber": number, "companyName": row["displayName"], "searchName": row["displayName"].upper()}
    touch(contacts, row)
    company.store.insert(contacts, row)
    link = {"contactId": row["id"], "contactNumber": number, "contactName": row["displayName"]}
    link |= {"contactType": "Company", "relatedId": partner["id"], "relatedType": kind}
    company.store.insert(links, link)


def follow_partner(company: Company, partner: Row, changes: Row) -> None:
    """Carry a customer's or vendor's change over to its company contact."""
    shared = {name: value for name, value in changes.items() if name in SHARED_WITH_CONTACT}
    contacts = company.table("contacts")
    for link in company.all("contactsInformation", '"relatedId" = ?', partner["id"]) if shared else ():
        named = {"companyName": shared["displayName"]} if "displayName" in shared else {}
        touch(contacts, shared)
        company.store.update(contacts, link["contactId"], shared | named)


def part_from_contact(company: Company, partner: Row) -> None:
    """Untie a customer or vendor that is deleted from its company contact, which stays."""
    contacts, links = company.table("contacts"), company.table("contactsInformation")
    for link in company.all("contactsInformation", '"relatedId" = ?', partner["id"]):
        sql = f'UPDATE "{contacts.sql}" SET "contactBusinessRelation" = ? WHERE "companyNumber" = ?'
        company.store.query(sql, ("None", link["contactNumber"]))
        company.store.delete(links, link["contactId"])


def renamed(row: Row, first: str | None, last: str | None) -> str:
    """Return a contact's whole name after a change of its first or last name."""
    given, _, family = str(row["displayName"]).rpartition(" ")
    return " ".join(filter(None, (given if first is None else first, family if last is None else last)))
