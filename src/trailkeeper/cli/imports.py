"""placeholder"""
def import_() -> int:
    return 0
