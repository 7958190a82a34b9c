"""The files of the studies: seen, read once, verified, linked to samples; bytes stay where they are.

One call registers one study × assay (register.py), another reads all bytes again (verify.py); what is known is
asked in query.py. Building matrices from registered files is not done here.
"""
