"""Audit log streaming: what is streamed to where. How formats and destinations work belongs here;
who may change the settings is decided by privileges.
"""
