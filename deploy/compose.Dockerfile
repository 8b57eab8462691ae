# Debian's own Compose v2, for machines whose Debian has none: host/compose_plugin.py takes the program out of it.
ARG BASE=debian:trixie-slim
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends docker-compose && rm -rf /var/lib/apt/lists/*
