"""The content of data_dictionary/: read as it stands and run over the real public tables, without Dagster."""
