"""The pages of the asset registry: lists, details pages and forms, made from the table of kinds.

What a page is called and where it stands is said in `places`, how a field is filled in in
`widgets`. What happens to an asset, and who may do it, belongs to the registry itself.
"""
