"""Which checks each kind of asset carries, and how findings become check results. Judging data happens in the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from omics_orchestrator.checks import AnyCheck
from omics_orchestrator.findings import Finding

DESCRIPTIONS = {
    "raw": {
        "delivery": "the source delivered complete, readable rows",
        "keys": "the raw key is present and unique",
        "drift": "every column is mapped or listed under not_mapped",
        "identifiers": "direct identifiers lie in the schema identifiers only",
    },
    "harmonised": {
        "codes": "every code that occurs is named by its map",
        "values": "every cell can be read in its variable's type",
        "missing": "how many cells hold a word that stands for a missing value (told, never failed)",
        "bounds": "every value lies within the dictionary's bounds",
        "keys": "every row has a readable key",
        "conflicts": "rows of one key agree",
        "joins": "no declared join multiplies rows",
        "ledger": "what came in went out or was accounted for",
    },
    "dataset": {
        "schema": "the columns are those of the declaration; what changed since the last time is told",
        "rows": "one row per harmonised row, each with its participant",
        "samples": "samples that are not shown are counted",
        "bounds": "what is computed from the reference date lies within the dictionary's bounds",
    },
    "files": {
        "verdict": "every file keeps the rules of its format",
        "linked": "every file belongs to a known sample",
        "sample_names": "names inside a file agree with its link",
        "missing": "every registered file is still there",
        "damaged": "no file holds other bytes than were registered",
        "identifying": "no name or header seems to hold a direct identifier",
        "index": "every file that wants an index has one (told, never failed)",
        "manifest": "every file is as the delivery's manifest says",
    },
    "matrix": {
        "samples_known": "every sample of the matrix is a harmonised sample",
        "files_usable": "every registered file of the assay is usable and linked",
        "samples_unique": "every sample comes in one file",
        "features_unique": "feature ids are unique",
        "shape": "the matrix has the registered shape",
    },
    "identity": {
        "sex_genotype": "genotypes on X and Y fit the recorded sex",
        "sex_expression": "XIST and genes of Y fit the recorded sex",
        "concordance": "genomes linked to one participant are one person's, of two participants two persons'",
        "one_content": "no content stands under two participants or samples",
    },
    "warehouse": {
        "grain": "one row per study and key",
        "references": "every row belongs to a known participant",
        "units": "no study's median lies far from those of the other studies (wrong unit?)",
        "held_back": "no study's new rows are held back by a check that its table failed",
    },
}
# A table without a usable key cannot be harmonised or joined: these stop what lies downstream.
BLOCKING = {
    ("raw", "delivery"),
    ("raw", "keys"),
    ("harmonised", "keys"),
    ("dataset", "schema"),
    ("warehouse", "grain"),
}
SEVERITIES = {"warning": dg.AssetCheckSeverity.WARN, "error": dg.AssetCheckSeverity.ERROR}


def check_specs(layer: str, key: dg.AssetKey, declared: Mapping[str, AnyCheck]) -> list[dg.AssetCheckSpec]:
    """Return the checks of an asset of `layer`; `declared` are a study's own, by name."""
    built_in = [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=(layer, name) in BLOCKING)
        for name, text in DESCRIPTIONS[layer].items()
    ]
    return built_in + [
        dg.AssetCheckSpec(name, asset=key, description=check.says or None, blocking=check.severity == "error")
        for name, check in declared.items()
    ]


def check_results(
    specs: Sequence[dg.AssetCheckSpec], findings: Sequence[Finding]
) -> list[dg.AssetCheckResult]:
    """Return one result per check: it fails when a finding of that name is more than a note.

    A finding of a check that the asset does not carry would vanish: that is a mistake of ours and raises.
    """
    by_check: dict[str, list[Finding]] = {spec.name: [] for spec in specs}
    for finding in findings:
        by_check[finding.check].append(finding)
    return [_result(name, found) for name, found in by_check.items()]


def stops(specs: Sequence[dg.AssetCheckSpec], results: Sequence[dg.AssetCheckResult]) -> bool:
    """Tell whether a blocking check failed: what lies downstream must not have this content."""
    blocking = {spec.name for spec in specs if spec.blocking}
    return any(
        one.check_name in blocking and not one.passed and one.severity == dg.AssetCheckSeverity.ERROR
        for one in results
    )


def _result(name: str, findings: list[Finding]) -> dg.AssetCheckResult:
    failed = [finding for finding in findings if finding.severity != "note"]
    worst = "error" if any(finding.severity == "error" for finding in failed) else "warning"
    metadata: dict[str, dg.IntMetadataValue | dg.MarkdownMetadataValue] = {}
    if findings:
        metadata["count"] = dg.MetadataValue.int(sum(finding.count for finding in failed or findings))
        metadata["findings"] = dg.MetadataValue.md("\n".join(f"- {finding.message}" for finding in findings))
    return dg.AssetCheckResult(
        check_name=name,
        passed=not failed,
        severity=SEVERITIES[worst],
        metadata=metadata,
        description="; ".join(finding.message for finding in findings[:3]) or None,
    )
