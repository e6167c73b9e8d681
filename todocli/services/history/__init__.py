"""The change log of one user: reading it, undoing and redoing changes, purging the trash."""
