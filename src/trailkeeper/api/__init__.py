"""The HTTP API under /api/v1: one file per resource; every error is a problem document."""
