"""`omics backup`, `omics restore`: what was saved or put back, as counts; what to do next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from omics_orchestrator.cli.words import omics
from omics_orchestrator.settings import Settings, without_password
from omics_orchestrator.storage.backup import Manifest, restore, take, verify

HELD = "It holds participants' data and direct identifiers: only you can read it; keep it so."
NOT_IN_IT = (
    "Not in it: the source stores, the data dictionary (keep its git repository), "
    "secrets such as OMICS_PSEUDONYM_KEY, and the text logs of runs"
)


def run_backup(folder: Path) -> None:
    """Take a back-up and tell what it holds."""
    settings, console = Settings.from_environment(), _console()
    taken = take(settings, folder, tell=lambda step: console.print(f"  {step}"))
    manifest, copied = taken.manifest, taken.copied
    console.print(f"back-up of {manifest.taken_at} in {folder}")
    _tell(console, manifest)
    console.print(f"  copied now: {copied.new:,} objects, {_size(copied.new_size)}; the others were there")
    for source in manifest.sources:
        counted = f"{source['objects']:,} objects, {_size(source['bytes'])}"
        where = source["url"] or "not set here"
        console.print(f"  not copied: {source['study']}/{source['assay']} in {where}: {counted}")
    if taken.running:
        console.print(
            f"{taken.running} runs were in progress: after a restore they are repeated by {omics()} materialize"
        )
    console.print(HELD)
    console.print(NOT_IN_IT)


def run_restore(folder: Path, *, force: bool, check_only: bool) -> None:
    """Restore a back-up, or only compare every byte of it with its digests."""
    settings, console = Settings.from_environment(), _console()
    if check_only:
        manifest = verify(folder, tell=lambda step: console.print(f"  {step}"))
        console.print(f"the back-up of {manifest.taken_at} in {folder} is whole; nothing was restored")
        _tell(console, manifest)
        return
    done = restore(settings, folder, force=force, tell=lambda step: console.print(f"  {step}"))
    console.print(
        f"restored the back-up of {done.manifest.taken_at}, revision {done.manifest.revision or '-'}"
    )
    _tell(console, done.manifest)
    console.print(
        f"  our object store: {without_password(settings.store_url)}, {_size(done.written)} written"
    )
    console.print("Next:")
    if done.grants:
        given = "; ".join(f"GRANT {role} TO {member}" for role, member in done.grants)
        console.print(f"  rights that people had, to be given again by hand: {given}")
    console.print(f"  {omics()} doctor         secrets, stores, rights and clock of this machine")
    console.print(f"  {omics()} status         what is stale now, and why")
    console.print(f"  {omics()} materialize    runs only what changed since the back-up")


def _tell(console: Console, manifest: Manifest) -> None:
    console.print(f"  databases: {manifest.tables:,} tables, {manifest.rows:,} rows")
    for part in manifest.parts:
        console.print(f"  {part.name}: {part.holds}, {_size(part.size)}")
    console.print(f"  objects: {manifest.objects:,}, {_size(manifest.object_bytes)}")


def _size(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} TiB"


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)
