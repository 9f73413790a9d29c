"""A folder of YAML files, kept in git, compared with the registry and applied to it as one
transaction; and the registry written as such a folder. Editing single assets does not belong here.
"""
