"""The `pggit` command for database servers: Python 3.9 or newer and the server's own psql, nothing else."""
