"""Trailkeeper: a self-hosted activity audit log for integration platforms.

Each package below this one is a room of the product; ARCHITECTURE.md is the map.
"""

__version__ = "0.1.0"
