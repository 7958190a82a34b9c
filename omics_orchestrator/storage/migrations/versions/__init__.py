"""One module per revision, named `v<number>_<what>.py`; a published revision is never edited."""
