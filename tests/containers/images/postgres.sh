# Makes the cluster of databases on an empty volume, with the scripts of /docker-entrypoint-initdb.d, then serves it.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username=postgres --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust > /tmp/initdb.log
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    pg_ctl start --wait --log=/tmp/init.log --options="-c listen_addresses=''"
    for script in /docker-entrypoint-initdb.d/*.sql; do
        psql --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres --file="$script"
    done
    pg_ctl stop --wait --mode=fast
fi
exec postgres -c listen_addresses='*'
