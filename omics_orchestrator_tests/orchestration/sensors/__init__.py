"""The sensors, each with a real Postgres and a real Dagster instance."""
