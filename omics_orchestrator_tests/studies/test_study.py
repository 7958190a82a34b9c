"""What a study says when it is asked: tables, admitted columns, places, ids, drift."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from omics_orchestrator.studies import IdGrammar, InFile, NamesInFile, SampleSheet
from omics_orchestrator.studies.places import table_of
from omics_orchestrator.studies.study import Schedule


def test_study_yaml_is_read_in_full(read_tiny):
    study, _ = read_tiny()
    assert (study.study, study.title, study.stewards) == ("tiny", "Tiny", ("tiny@example.org",))
    assert (study.schedule.nightly, study.schedule.timezone) == ("01:30", "Europe/London")
    assert study.sources["files"].kind == "delimited"
    assert study.assays["metabolomics"].format.format == "feature_table"
    assert study.assays["metabolomics"].format.feature_columns in (["name"], ("name",))
    assert study.assays["mgx_reads"].link.startswith("(?P<sample>")
    assert study.folder.name == "tiny"


def test_mapping_yaml_is_read_in_full(read_tiny):
    mapping = read_tiny()[0].mapping
    assert list(mapping.entities) == ["participant", "visit"]
    participant, visit = mapping.entities["participant"], mapping.entities["visit"]
    assert participant.from_ == "files.people"
    assert participant.rules["ifx"].map == {"1": "yes", "2": "no"}
    assert participant.rules["age"].missing == {"999": "unknown"}
    assert visit.rules["crp"].censored is True
    assert visit.rules["crp"].missing == {"NA": "unknown"}
    assert visit.join["bloods"].on == {"id": "id", "visit": "visit"}
    assert visit.checks["crp_in_men"].severity == "warning"
    assert mapping.none["active"].missing == "not_collected"
    assert mapping.listed() == ("name", "address_*", "files.visits.age.months")


def test_only_columns_that_are_read_are_asked_for(read_tiny):
    tables = read_tiny()[0].raw_tables()
    assert tables["files", "people"] == {"id", "sex", "age.months", "ifx"}
    assert tables["files", "visits"] == {"id", "visit", "kind", "date"}
    # a name without its table may stand in any table of the block
    assert tables["bloods", "bloods"] == {"id", "visit", "kind", "date", "crp"}


def test_a_column_listed_for_one_table_is_not_asked_of_it(read_tiny):
    study, _ = read_tiny(mapping=("[files.visits.age.months]", "[bloods.kind, bloods.date]"))
    assert study.raw_tables()["bloods", "bloods"] == {"id", "visit", "crp"}
    assert "date" in study.raw_tables()["files", "visits"]


def test_stacked_tables_are_asked_for_the_same_columns(read_tiny):
    stack = ("  from: files.people\n", "  stack: [files.people, files.visits]\n")
    study, _ = read_tiny(mapping=stack)
    assert study.mapping.entities["participant"].tables() == ("files.people", "files.visits")
    assert {"sex", "age.months", "date"} <= study.raw_tables()["files", "people"] | {"date"}
    assert "sex" in study.raw_tables()["files", "visits"]


def test_keep_copies_columns_of_the_same_name(read_tiny):
    study, _ = read_tiny(mapping=("  sex: {recode: sex, map: {F: female, M: male}}", "  keep: [sex]"))
    rule = study.mapping.entities["participant"].rules["sex"]
    assert (rule.verb, rule.columns) == ("copy", ("sex",))


def test_the_block_s_missing_words_hold_for_what_is_kept(read_tiny):
    words = '  missing: {"-1000": unknown}\n  keep: [sex]'
    study, _ = read_tiny(mapping=("  sex: {recode: sex, map: {F: female, M: male}}", words))
    assert study.mapping.entities["participant"].rules["sex"].missing == {"-1000": "unknown"}


def test_the_longest_table_wins_in_a_column_reference(read_tiny):
    visit = read_tiny()[0].mapping.entities["visit"]
    assert visit.columns_of("files.visits.a.b") == (("files.visits",), "a.b")
    assert visit.columns_of("bloods.crp") == (("bloods",), "crp")
    assert visit.columns_of("CRP..mg.L.") == (("files.visits", "bloods"), "CRP..mg.L.")


def test_table_references_are_resolved(read_tiny):
    study, _ = read_tiny()
    assert study.place("files.people") == ("files", "people")
    assert study.place("bloods") == ("bloods", "bloods")
    assert study.place("forms.baseline") == ("forms", "baseline")
    for unknown in ("files", "files.nothing", "forms", "nothing", "bloods.x"):
        with pytest.raises(KeyError):
            study.place(unknown)


def test_redcap_tables_need_no_key(read_tiny):
    study, _ = read_tiny(mapping=("  from: files.people\n  key: [id]\n", "  from: forms.baseline\n"))
    assert ("forms", "baseline") in study.raw_tables()


def test_drift_is_what_nobody_decided_about(read_tiny):
    study, _ = read_tiny()
    seen = ("id", "sex", "age.months", "ifx", "name", "address_1", "address", "age")
    assert study.undecided("files", "people", seen) == ("address", "age")
    assert study.undecided("files", "visits", ("id", "age.months", "name", "new")) == ("new",)


JOIN = "  join: {bloods: {cardinality: one_to_one, on: [id, visit]}}\n"


def test_a_table_behind_a_name_is_asked_for_all_that_its_join_reads(read_tiny):
    join = (
        "  join:\n"
        "    labs: {table: bloods, on: {id: who}, pick: nearest, by: drawn, to: date, where: \"kind = 'b'\"}\n"
        "    bloods: {cardinality: one_to_one, on: [id, visit]}\n"
        "    others: {table: files.visits, cardinality: many_to_one, on: id, where: \"first = '1'\"}\n"
    )
    study, _ = read_tiny(mapping=(JOIN, join))
    tables = study.raw_tables()
    assert tables["bloods", "bloods"] >= {"who", "drawn", "kind", "id", "visit", "crp"}
    assert tables["files", "visits"] >= {"first", "date", "id", "visit", "kind"}
    assert "first" not in tables["bloods", "bloods"]
    block = study.mapping.entities["visit"]
    assert block.tables() == ("files.visits", "labs", "bloods", "others")
    assert [block.table_of(name) for name in ("labs", "bloods", "others")] == [
        "bloods",
        "bloods",
        "files.visits",
    ]
    assert block.columns_of("labs.crp") == (("labs",), "crp")
    assert block.columns_of("crp") == (("files.visits", "bloods"), "crp"), (
        "a name of its own is always written"
    )


@pytest.mark.parametrize(
    ("reshape", "asked"),
    [
        ('{slots: 1..3, columns: {drug: "drug_{slot}"}}', {"drug_1", "drug_2", "drug_3"}),
        ("{spread: test, values: result, columns: {drug: CRP}}", {"test", "result"}),
    ],
)
def test_columns_that_reshape_reads_are_decided_and_new_ones_are_no_columns(read_tiny, reshape, asked):
    visit_date = '  visit_date: {date: date, formats: ["%d/%m/%Y"]}\n'
    study, _ = read_tiny(mapping=(visit_date, f"  reshape: {reshape}\n  visit_date: {{date: drug}}\n"))
    columns = study.raw_tables()["files", "visits"]
    assert columns >= asked
    assert not columns & {"drug", "slot", "date"}
    assert study.undecided("files", "visits", ("id", *asked, "drug_4", "drug")) == ("drug_4", "drug")


def test_every_place_with_bytes_is_named(read_tiny):
    assert set(read_tiny()[0].locations()) == {
        "store+public://tiny/people.csv",
        "store+public://tiny/visits.csv",
        "store+public://tiny/bloods.csv",
        "store+public://tiny/redcap/",
        "store+public://tiny/peaks.csv",
        "store+public://tiny/reads/",
    }


@pytest.mark.parametrize(
    ("written", "link"),
    [
        (
            '{sample_sheet: "store+public://tiny/s.csv", file: f, sample: s}',
            SampleSheet(sample_sheet="store+public://tiny/s.csv", file="f", sample="s"),
        ),
        ("{in_file: {}}", NamesInFile(in_file=InFile())),
        (
            '{in_file: {pattern: "(?P<sample>[a-z]+)_1", written: "{sample}"}}',
            NamesInFile(in_file=InFile(pattern="(?P<sample>[a-z]+)_1", written="{sample}")),
        ),
    ],
)
def test_links(read_tiny, written, link):
    old = '"(?P<sample>[A-Z0-9]+)_R[12]\\\\.fastq\\\\.gz"'
    study, _ = read_tiny(study=(old, written))
    assay = study.assays["mgx_reads"]
    assert assay.link == link
    sheets = [written.split('"')[1]] if "sheet" in written else []
    assert assay.locations() == ("store+public://tiny/reads/", *sheets)


def test_participant_ids_are_read_by_the_grammar(read_tiny):
    grammar = read_tiny()[0].participant_id
    assert grammar.read("T-7") == "T-7"
    assert grammar.read(" T-A7 ") == "T-7"
    assert grammar.read("tiny 1") == "T-1"
    assert grammar.read("xT-7") is None
    assert grammar.read("T-7x") is None
    assert IdGrammar(pattern="[A-Z]+").read("ABC") == "ABC"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (["raw", "hmp2", "files", "stool"], ("raw_hmp2", "files__stool")),
        (["harmonised", "hmp2", "visit"], ("harmonised_hmp2", "visit")),
        (["warehouse", "visit"], ("warehouse", "visit")),
    ],
)
def test_an_asset_has_its_place(key, place):
    assert table_of(key) == place


def test_long_table_names_stay_apart():
    first, second = (table_of(["raw", "s", "redcap", "instrument_" * 8 + end])[1] for end in "ab")
    assert first != second
    assert max(len(first), len(second)) <= 63


@pytest.mark.parametrize("key", [["files", "hmp2", "x"], ["warehouse"], []])
def test_an_asset_without_a_table_has_no_place(key):
    with pytest.raises(ValueError, match="no table belongs to"):
        table_of(key)


@pytest.mark.parametrize(("said", "hours"), [("30h", 30), ("26h", 26), ("3d", 72)])
def test_fresh_within_is_hours_or_days(said: str, hours: int) -> None:
    assert Schedule(nightly="01:30", fresh_within=said).window == timedelta(hours=hours)


@pytest.mark.parametrize("said", ["25h", "1d", "0d", "30", "30 h", "2w", "30m"])
def test_fresh_within_is_longer_than_any_day(said: str) -> None:
    with pytest.raises(ValidationError):
        Schedule(nightly="01:30", fresh_within=said)


def test_fresh_within_has_a_default() -> None:
    assert Schedule(nightly="01:30").window == timedelta(hours=30)
