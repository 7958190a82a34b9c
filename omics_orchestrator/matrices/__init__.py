"""Assay data as arrays in our own object store: samples (or cells) × features, labelled by sample and feature ids only.

Clinical variables are joined when a matrix is loaded (loaders.py): a changed dictionary rewrites no array.
"""
