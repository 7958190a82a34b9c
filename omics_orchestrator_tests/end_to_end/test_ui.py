"""The Dagster UI in a real browser: the asset graph opens, groups are studies, nothing fails on the page."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator_tests.end_to_end.conftest import Made
from omics_orchestrator_tests.end_to_end.processes import of_home, start_dev, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ASSET = '{assetNodeOrError(assetKey: {path: ["harmonised", "demo_adult", "participant"]}) {... on AssetNode {\
 groupName description staleStatus metadataEntries {label} assetChecksOrError {... on AssetChecks {checks {name}}}}}}'


def graphql(address: str, query: str) -> Any:
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def test_asset_graph_opens_in_a_browser(demo: Made, tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    process, address = start_dev(demo)
    try:
        node = graphql(address, ASSET)["assetNodeOrError"]
        assert node["groupName"] == "demo_adult"
        assert node["staleStatus"] == "FRESH"
        assert {"codes", "bounds", "conflicts"} <= {
            one["name"] for one in node["assetChecksOrError"]["checks"]
        }
        errors: list[str] = []
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            ).new_page(viewport={"width": 1500, "height": 950})
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("response", lambda answer: errors.append(answer.url) if answer.status >= 400 else None)
            page.goto(f"{address}/asset-groups", wait_until="domcontentloaded")
            page.get_by_text("demo_adult").first.wait_for(timeout=60_000)
            page.keyboard.press("Alt+E")
            page.get_by_text("participant").first.wait_for(timeout=60_000)
            page.wait_for_timeout(2_000)
            picture = page.screenshot(path=str(tmp_path / "graph.png"))
            if folder := os.environ.get("OMICS_TEST_PICTURES"):
                (Path(folder) / "asset_graph.png").write_bytes(picture)
        assert len(picture) > 20_000
        assert errors == []
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert wait_until(lambda: not of_home(demo), 15)
