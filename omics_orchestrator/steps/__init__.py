"""The steps of the line, one module each: extract, harmonise, integrate, register, build.

The only place where sources, verbs, formats, registry and storage meet; Dagster is not known here.
"""
