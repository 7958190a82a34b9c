"""INFO: the pattern of a layout and a look at each key say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.formats import vcf_info
from omics_orchestrator.formats.vcf_rules import RULES
from omics_orchestrator_tests.formats.test_vcf_rules import FIRST, META, NAMES, look, noisy

value = st.sampled_from(
    [
        b"1",
        b"-1",
        b".",
        b"0.5",
        b"1e-3",
        b"1.",
        b"nan",
        b"x",
        b"",
        b"1,2",
        b".,.",
        b"a b",
        b"99999999999",
        b"9",
        b"a=b",
    ]
)
entry = st.tuples(
    st.sampled_from([b"DP", b"AF", b"AD", b"DB", b"GG", b"CH", b"END", b"TX", b"ZZ"]), value
).map(b"=".join)
column = st.lists(
    st.one_of(entry, st.just(b"DB"), entry.map(lambda text: text + b",2")), min_size=1, max_size=4
).map(b";".join)


@noisy
@given(st.lists(st.tuples(st.sampled_from([b"C", b"C,G", b"."]), column), min_size=1, max_size=4))
def test_patterns_and_a_look_at_each_key_say_the_same(rows):
    sites = [
        FIRST.replace(b"C,G", alt).replace(b"DP=3;DB", info).replace(b"1|2", b"0|0") for alt, info in rows
    ]
    sites = [site.replace(b"0/1", b"0/0") for site in sites]
    raw = META + NAMES + b"".join(sites * 3)
    found = []
    for often in (1, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vcf_info, "OFTEN", often)
            found.append(look(raw))
    assert found[0] == found[1]


def test_a_layout_that_is_met_often_is_matched_not_taken_apart(monkeypatch):
    asked: list[bytes] = []
    by_key = vcf_info.InfoColumn._by_key

    def counted(self, info, alternates, record):
        asked.append(info)
        return by_key(self, info, alternates, record)

    monkeypatch.setattr(vcf_info.InfoColumn, "_by_key", counted)
    site = FIRST.replace(b"DP=3;DB", b"DP=3;AF=0.5,.;DB;END=12;TX=a text")
    found = look(META + NAMES + site * 1000)
    assert (found.problems, len(asked)) == ((), vcf_info.OFTEN)
    assert look(META + NAMES + site * 1000 + site.replace(b"0.5,.", b"0.5")).problems == (
        f"record 1001: {RULES['info_count'].says}",
    )
    assert look(META + NAMES + site * 1000 + site.replace(b"END=12", b"END=9")).problems == (
        f"record 1001: {RULES['end'].says}",
    )
