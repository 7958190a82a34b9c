"""Headers: what seems to identify a person is told by its place, never by its content."""

from omics_orchestrator.formats.header_scan import MOST, suspicious


def test_a_name_with_fitting_content_is_told_without_the_content():
    entries = [
        ("DICOM (0010,0030)", "PatientBirthDate", "19570211"),
        ("DICOM (0010,0010)", "PatientName", "Doe^Jane"),
        ("DICOM (0008,0060)", "Modality", "SM"),
        ("@RG 1, DS", "description", "sequenced for jane.doe@example.org"),
    ]
    found = suspicious(entries)
    assert "DICOM (0010,0030): dates of birth" in found
    assert not any("Doe" in one or "1957" in one or "jane" in one for one in found)
    assert not any("Modality" in one or "0008" in one for one in found)


def test_harmless_headers_are_not_told():
    entries = [
        ("@RG 1, SM", "sample", "GID-1-P"),
        ("@RG 1, PL", "platform", "ILLUMINA"),
        ("@PG 1, CL", "command line", "bwa mem -t 8 ref.fa a_1.fq a_2.fq"),
        ("line 1", "fileformat", "VCFv4.3"),
    ]
    assert suspicious(entries) == ()


def test_of_many_places_the_rest_is_counted():
    entries = [(f"place {number}", "date of birth", "1957-02-11") for number in range(MOST + 3)]
    assert suspicious(entries)[-1] == "3 more"


def test_names_in_the_form_of_dicom_are_names():
    found = suspicious([("(0010,0010)", "PatientName", "Doe^Jane"), ("x", "patient_name", "Doe^Jane")])
    assert found == ("(0010,0010): names of people", "x: names of people")


def test_what_stands_for_nobody_is_not_told():
    dummies = [
        "Anon^Patient",
        "ANONYMIZED",
        "Test^Patient",
        "unknown",
        "n/a",
        "^^^^",
        "openpyxl",
        "19000101",
        "  \0",
    ]
    called = ("PatientName", "lastModifiedBy", "PatientBirthDate", "PatientAddress")
    assert suspicious([("place", name, text) for name in called for text in dummies]) == ()


def test_a_number_of_a_person_counts_at_a_dicom_tag_only():
    assert suspicious([("DICOM (0010,0020)", "PatientID", "AA01")]) == (
        "DICOM (0010,0020): numbers of a person",
    )
    assert suspicious([("obs column 3", "PatientID", "AA01")]) == ()
