"""One module a schema version; its revision is the version with four digits."""
