"""The steps from one schema version of the ledger to the next, run by Alembic when an older ledger is opened.

A migration is never changed once it was released. It names tables and columns itself and imports none of ours,
since those are of the newest version. What follows from all of them equals `tables.metadata`; a test holds the two
together.
"""
