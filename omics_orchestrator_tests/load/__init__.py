"""`make load`: many files within a minute, many studies in one night; prints figures. Not run to its end yet."""
