"""How the figures change as the log grows: one installation, filled in stages and measured at each.

A store is what `stores.py` says of it; all else is the same for every store.
"""
