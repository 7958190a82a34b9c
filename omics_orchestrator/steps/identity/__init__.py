"""Identity checks: is a file of the person whom it is linked to?

Pure functions, one module per check (sex_genotype, sex_expression, concordance, one_content); what is kept of a VCF:
genomes.py. The step that asks registry, matrices and harmonised facts and calls them: step.py.
"""
