"""The formats: what each writes, byte for byte, and that others can read it."""
