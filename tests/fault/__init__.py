"""Tests that break things: killed processes, full disks, full queues, locks, failing commits."""
