"""The demo project: an integration team of made-up people, who really do what the log then has.

Everything goes through the functions that pages and API call. Nothing else of Trailkeeper needs
this package.
"""
