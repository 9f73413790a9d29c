"""Workspaces, their members, and what each may do."""
