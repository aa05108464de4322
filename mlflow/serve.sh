#!/bin/sh
# Starts the tracking server on port 5000. Its environment:
#   PGHOST, PGPORT, PGUSER, PGPASSWORD   the PostgreSQL server, as for every program that speaks to it
#   PGDATABASE                           database of runs; that of accounts is ${PGDATABASE}_auth
#   MLFLOW_ARTIFACTS_DESTINATION         s3://bucket/prefix, reached with the AWS_… variables
#   MLFLOW_AUTH_ADMIN_USERNAME, MLFLOW_AUTH_ADMIN_PASSWORD   first account, made once
#   MLFLOW_FLASK_SERVER_SECRET_KEY       signs the forms of the sign-up page
#   MLFLOW_ALLOWED_HOSTS                 optional: names by which browsers and tasks reach the server
#   MLFLOW_STATIC_PREFIX                 optional: path under which a proxy serves it, and under which /health lies then
set -eu

for name in PGHOST PGUSER PGPASSWORD PGDATABASE MLFLOW_ARTIFACTS_DESTINATION MLFLOW_AUTH_ADMIN_USERNAME \
    MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY; do
    if eval "[ -z \"\${$name:-}\" ]"; then
        echo "serve-mlflow: $name must be set" >&2
        exit 2
    fi
done

# Address and password come from the PG… variables, so that no command line shows them.
export MLFLOW_BACKEND_STORE_URI="postgresql+psycopg2:///$PGDATABASE"
export MLFLOW_AUTH_CONFIG_PATH=/tmp/auth.ini
cat > "$MLFLOW_AUTH_CONFIG_PATH" <<INI
[mlflow]
default_permission = READ
database_uri = postgresql+psycopg2:///${PGDATABASE}_auth
auth_cache_ttl_seconds = 60
INI
mkdir -p /tmp/metrics

# The check of host names, which --allowed-hosts asks for, comes with uvicorn alone.
exec mlflow server --app-name basic-auth --host 0.0.0.0 --port 5000 --workers 2 \
    --serve-artifacts --artifacts-destination "$MLFLOW_ARTIFACTS_DESTINATION" --expose-prometheus /tmp/metrics \
    ${MLFLOW_ALLOWED_HOSTS:+--allowed-hosts "$MLFLOW_ALLOWED_HOSTS"} \
    ${MLFLOW_STATIC_PREFIX:+--static-prefix "$MLFLOW_STATIC_PREFIX"}
