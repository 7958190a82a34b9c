"""The code location: its graph, and what happens to studies that are broken or not available."""

from __future__ import annotations

from dagster import AssetKey, AssetsDefinition, AssetSpec, Definitions
from syrupy.assertion import SnapshotAssertion

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator_tests.installation import MAPPING, Installation


def graph(definitions: Definitions) -> dict[str, object]:
    """Return key → what the graph says of it."""
    found: dict[str, object] = {}
    for asset in definitions.assets or []:
        made = asset if isinstance(asset, AssetsDefinition) else None
        specs = list(made.specs) if made else [asset] if isinstance(asset, AssetSpec) else []
        checks = sorted(one.name for one in made.check_specs) if made else []
        for spec in specs:
            found[spec.key.to_user_string()] = {
                "parents": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
                "checks": checks,
                "group": spec.group_name,
                "owners": list(spec.owners),
                "kinds": sorted(spec.kinds),
            }
    return dict(sorted(found.items()))


def test_asset_graph_of_the_data_dictionary(snapshot: SnapshotAssertion, tmp_path) -> None:
    settings = Settings.from_environment(
        {
            "OMICS_HOME": str(tmp_path),
            "OMICS_DICTIONARY": str(WORKING_COPY / "data_dictionary"),
            "OMICS_STORE_DEMO_URL": tmp_path.as_uri(),
            "OMICS_STORE_PUBLIC_URL": tmp_path.as_uri(),
            "DEMO_REDCAP_URL": "http://127.0.0.1:9/api/",
            "DEMO_ADULT_REDCAP_TOKEN": "A",
            "DEMO_CHILD_REDCAP_TOKEN": "C",
        }
    )
    assert graph(build_definitions(Workspace(settings))) == snapshot


def test_loading_starts_no_server_and_opens_no_store(tmp_path) -> None:
    settings = Settings.from_environment(
        {"OMICS_HOME": str(tmp_path / "home"), "OMICS_STORE_PUBLIC_URL": "file:///nowhere"}
    )
    definitions = build_definitions(Workspace(settings))
    definitions.get_repository_def()
    assert not (tmp_path / "home" / "server.json").exists()


def test_broken_study_shows_its_message_and_hinders_nobody(installation: Installation) -> None:
    installation.declare("broken", mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    definitions = build_definitions(installation.workspace())
    found = graph(definitions)
    assert "harmonised/tiny/participant" in found
    assert "harmonised/broken/participant" not in found
    (spec,) = [one for one in definitions.assets or [] if isinstance(one, AssetSpec)]
    assert spec.key == AssetKey(["study", "broken"])
    assert spec.group_name == "broken"
    assert "mapping.yaml:4" in (spec.description or "")
    assert "did you mean 'recode'" in (spec.description or "")


def test_study_without_its_store_is_shown_once_and_not_scheduled(installation: Installation) -> None:
    text = (installation.dictionary / "studies" / "tiny" / "study.yaml").read_text()
    installation.declare(
        "far", study=text.replace("study: tiny", "study: far").replace("store+tiny", "store+nas")
    )
    definitions = build_definitions(installation.workspace())
    far = [key for key in graph(definitions) if "/far" in key]
    assert far == ["study/far"]
    (spec,) = [one for one in definitions.assets or [] if isinstance(one, AssetSpec)]
    assert "OMICS_STORE_NAS_URL" in (spec.description or "")
    repository = definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def("nightly").job_name)
    assert not any("far" in key.path for key in job.asset_layer.executable_asset_keys)


def test_broken_dictionary_is_told_in_the_ui(installation: Installation) -> None:
    (installation.dictionary / "variables.csv").write_text("name\n")
    (spec,) = build_definitions(installation.workspace()).assets or []
    assert isinstance(spec, AssetSpec)
    assert "variables.csv:1" in (spec.description or "")
