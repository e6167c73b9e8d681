"""Shell completion: what TAB offers, answered before any library is imported."""
