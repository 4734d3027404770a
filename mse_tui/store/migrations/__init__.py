"""Numbered changes of the tables, applied in order by `store.database`; a released one is never edited."""
