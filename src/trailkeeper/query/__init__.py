"""The one filter: its model, its query language, its URL form and its cursors.

The page's URL, the API and the CLI all make a `Filter` here. How a store answers one is the
ledger's business, not this package's.
"""
