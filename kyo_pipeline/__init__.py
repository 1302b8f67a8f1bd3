"""Know Your Organization: the data platform (domain, database, services, Dagster definitions)."""
