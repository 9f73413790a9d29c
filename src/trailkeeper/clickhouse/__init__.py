"""The activities in ClickHouse: copied by a follower, searched there, moved there for good.

Here stands all that speaks to ClickHouse. What a filter means is the ledger's.
"""
