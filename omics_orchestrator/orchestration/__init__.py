"""The only package that imports Dagster: definitions, assets, checks, I/O manager, schedule, sensor, materialising.

What an asset does is one call into steps/.
"""
