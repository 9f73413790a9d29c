"""Tests of the real server over HTTP, and of the command line beside it."""
