"""ATC codes with their years."""

import pytest

from omics_orchestrator.dictionary.atc import AtcCode, read_codes


def test_codes_with_and_without_years():
    assert read_codes("H02AB06; L04AA33 from 2015 until 2023; L04AG05 from 2024;") == (
        AtcCode(code="H02AB06"),
        AtcCode(code="L04AA33", first=2015, last=2023),
        AtcCode(code="L04AG05", first=2024),
    )


@pytest.mark.parametrize(
    "written", ["L04AB", "l04ab02", "L04AB02 2024", "E04AB02", "L04AB02 since 2024", "L04AB02, L04AB04"]
)
def test_what_is_no_code_is_refused(written):
    with pytest.raises(ValueError, match="is not a code of ATC for one substance"):
        read_codes(written)


def test_years_that_run_backwards_are_refused():
    with pytest.raises(ValueError, match="ends before it begins"):
        read_codes("L04AB02 from 2024 until 2023")
