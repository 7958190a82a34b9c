# One image for the code location, both webservers and the daemon: docker-compose.yml says which is started.
# What the server needs of the lock (the tools of `develop` stay out): the next stage runs again only where this changed.
FROM python:3.11-slim AS lock
WORKDIR /app
COPY pyproject.toml requirements.lock ./
RUN awk '/^uv==/ {on=1} on {print} on && !/\\$/ {exit}' requirements.lock > uv.lock \
 && python -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --quiet --require-hashes -r uv.lock \
 && /opt/uv/bin/uv pip compile --quiet --no-cache --no-header --no-annotate --no-strip-extras --python python3.11 \
      --extra matrices --extra variants --extra reads --extra profiles --extra images --extra docker --constraint requirements.lock \
      pyproject.toml -o names.txt \
 && awk -F'[=[ ]' 'NR == FNR {want[$1]; next} /^[a-zA-Z0-9]/ {on = ($1 in want)} on' names.txt requirements.lock > server.lock

FROM python:3.11-slim AS environment
COPY --from=lock /app/uv.lock /app/server.lock ./
RUN python -m venv /opt/venv && python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --quiet --require-hashes -r uv.lock \
 && /opt/uv/bin/uv pip install --quiet --no-cache --compile-bytecode --python /opt/venv/bin/python --require-hashes -r server.lock

FROM python:3.11-slim
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin omics \
 && install -d -o omics -g omics -m 0750 /var/lib/omics
COPY --from=environment /opt/venv /opt/venv
COPY . /app
RUN printf '/app\n' > "$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/omics_orchestrator.pth" \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python -m omics_orchestrator.cli "$@"\n' > /opt/venv/bin/omics && chmod 0755 /opt/venv/bin/omics \
 && cat /app/dagster.yaml /app/dagster.docker-runs.yaml > /opt/dagster.docker-runs.yaml \
 && chmod -R a+rX /app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    OMICS_HOME=/var/lib/omics \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER omics
VOLUME /var/lib/omics
HEALTHCHECK --interval=30s --timeout=60s --start-period=180s --retries=4 \
  CMD ["dagster", "api", "grpc-health-check", "-p", "4000"]
ENTRYPOINT ["omics", "run", "--"]
CMD ["dagster", "code-server", "start", "-m", "omics_orchestrator.orchestration.definitions", "-h", "0.0.0.0", "-p", "4000"]
