"""Imports todos from files: from what a file says to one change of the user's todos.

    file ──► formats.read ──► Record ──► Adapter ──► Spool ──► staging table ──► todos, notes, sources
             one module        as the     our names,  on disk    COPY on           one statement each,
             per format        file has   our limits             Postgres          in one transaction

Everything is validated before the database is touched, and nothing is kept in memory. The spool is there because stdin
can be read once, and a transaction may have to be repeated.
"""
