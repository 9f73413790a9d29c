"""The asset registry: what a workspace's integrations are made of, versioned and on record. What
each kind of asset is and can be done with stands in one table (`kinds.py`). Running recipes does
not belong here: engines do that, and report.
"""
