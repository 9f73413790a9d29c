"""What the unit tests share: hypothesis without deadlines and without a database of its own."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, max_examples=40, database=None)
settings.load_profile("unit")
