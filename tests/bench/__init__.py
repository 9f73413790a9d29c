"""What Trailkeeper does in a second, and how long a reader of the log waits: `make bench`.

Each part is a module that measures and a table that it prints. No test of behaviour belongs here.
"""
