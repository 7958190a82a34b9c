"""Clinical and omics data of research studies: declared, extracted, harmonised, registered, loaded.

The public names below are imported on first use: `import omics_orchestrator` loads no Dagster, pandas or anndata.
"""
