"""Copies everything of a user to another database: todos, notes, history, numbers, trash, sources of imports.

    Snapshot   read in one transaction, in portions, into files on disk: from a database, or from an exported file
       │
       ▼
    Copy       written in one transaction of the other database: all of it, or what is new since the last copy

A copy that is interrupted leaves nothing behind. Run again, it begins anew, and takes what has come since.
"""
