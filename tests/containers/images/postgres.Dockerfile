# Stands in for the official image where none can be pulled: Debian's PostgreSQL with the part of its contract that
# manifests/base/postgres uses (POSTGRES_PASSWORD, PGDATA, scripts in /docker-entrypoint-initdb.d, UID 999).
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/* \
    && usermod --uid 999 postgres && groupmod --gid 999 postgres \
    && rm -rf /var/lib/postgresql && mkdir --mode=777 /var/lib/postgresql && chown -R 999:999 /var/run/postgresql
COPY postgres.sh /usr/local/bin/start-postgres
ENV PATH=/usr/lib/postgresql/15/bin:$PATH
USER 999
ENTRYPOINT ["sh", "/usr/local/bin/start-postgres"]
