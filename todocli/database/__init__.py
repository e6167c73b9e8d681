"""The database: where it is, how it is opened, what its errors mean, and how its schema is brought up to date."""
