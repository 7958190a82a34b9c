"""Tests of the file formats. `test_contract.py` holds every member of the union to the same promises.

For it, `test_<tag>.py` gives `tiny()`: a declaration, a file name and the smallest good file.
"""
