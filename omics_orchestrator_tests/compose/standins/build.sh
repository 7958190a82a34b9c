#!/usr/bin/env bash
# Stand-ins for python:3.11-slim, postgres:17 and caddy:2, where those images cannot be pulled; only to try the stack.
# Debian 12: apt-get install docker.io docker-compose mmdebstrap; then, with DOCKER_HOST set and `make install` done:
#   omics_orchestrator_tests/compose/standins/build.sh
# An engine without any service, with its folders under /tmp/engine:
#   dockerd --data-root /tmp/engine/data --exec-root /tmp/engine/exec -H unix:///tmp/engine/docker.sock -p /tmp/engine/pid
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOCKER_BUILDKIT=0
if ! docker image inspect local/base:1 >/dev/null 2>&1; then
  sources=/etc/apt/sources.list.d/debian.sources
  [ -f "$sources" ] || sources=/etc/apt/sources.list
  mmdebstrap --variant=minbase --include=python3.11,python3.11-venv,python3-pip,ca-certificates,postgresql-15,wget,gosu,libcap2-bin \
    bookworm "$work/base.tar" "$sources"
  docker import "$work/base.tar" local/base:1
fi
for name in python postgres caddy; do
  cp -r "$here/$name" "$work/$name"
done
mkdir "$work/python/authorities"
cp /usr/local/share/ca-certificates/*.crt "$work/python/authorities" 2>/dev/null || true # of a network that looks into TLS
cp "$root/.venv/bin/caddy" "$work/caddy/caddy"
docker build --quiet --tag python:3.11-slim "$work/python"
docker build --quiet --tag postgres:17 "$work/postgres"
docker build --quiet --tag caddy:2 "$work/caddy"
