"""The servers and databases that the extension's own tests have."""

from tests.extension.conftest import bare_db, connect, db, pg, psql, pytest_generate_tests, roles, server, template

__all__ = ["bare_db", "connect", "db", "pg", "psql", "pytest_generate_tests", "roles", "server", "template"]
