"""The pages a person looks at: log-in, the Audit page, their templates, styles and scripts.

Reads through the protocols in `services` and keeps no state of its own. What an activity means,
who may see it and how it is found belong to other rooms; here it only becomes HTML.
"""
