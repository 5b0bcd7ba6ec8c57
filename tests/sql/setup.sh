#!/bin/bash
# Real databases for the tests, from Debian's packages: PostgreSQL and MariaDB, on 127.0.0.1 only, each with a certificate
# of a CA of its own.
#
#   setup.sh up      installs what is missing, makes both servers in a folder of their own, starts them, and prints
#                    SPINE_SQL_HOME, SPINE_POSTGRES_PORT and SPINE_MARIADB_PORT as shell exports. Run again, it leaves running
#                    servers be.
#   setup.sh stop postgres|mariadb      stops one of them, as an administrator would
#   setup.sh start postgres|mariadb     starts it again, on the same port
#   setup.sh down    stops both and removes the folder. The packages stay.
#
# Needs root, Debian 12 and its package archive. Other databases on the machine are not touched. Users: `owner`, who makes
# databases and fills them, and `spine`, who reads; passwords are words of the tests and no secrets.
set -Eeuo pipefail

home=${SPINE_SQL_HOME:-/var/lib/spine-sql-test}
user=spine-sql
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)

as_user() { runuser -u $user -- env HOME="$home" "$@"; }

packages() {
  local missing
  # Not mariadb-server and not the cluster that postgresql makes: those would begin to run on the machine.
  missing=$(for package in postgresql-15 mariadb-server-core mariadb-client-core openssl; do
    dpkg-query -W -f='${db:Status-Status}' $package 2>/dev/null | grep -qx installed || echo $package
  done)
  [ -z "$missing" ] && return
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  # shellcheck disable=SC2086
  apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing
  pg=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A CA, and a certificate of it for `localhost` alone: 127.0.0.1 is not in it, so that a wrong name can be tested.
certificates() {
  local tls=$home/tls
  mkdir -p "$tls"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Spine test CA" -keyout "$tls/ca.key" -out "$tls/ca.pem"
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$tls/server.key" -out "$tls/server.csr"
  printf 'subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\n' >"$tls/server.ext"
  openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 \
    -extfile "$tls/server.ext" -out "$tls/server.pem"
  chmod 600 "$tls"/*.key
}

start_postgres() {
  as_user "$pg/pg_ctl" -D "$home/postgres" -w -t 60 -l "$home/postgres.log" start 3>&-
}

stop_postgres() {
  [ ! -s "$home/postgres/postmaster.pid" ] || as_user "$pg/pg_ctl" -D "$home/postgres" -w -m fast stop
}

make_postgres() {
  local port=$1
  echo demo-admin-password >"$home/password"
  as_user "$pg/initdb" -D "$home/postgres" -U admin -A scram-sha-256 --pwfile="$home/password" -E UTF8 --locale=C.UTF-8
  cat >>"$home/postgres/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$home'
ssl = on
ssl_cert_file = '$home/tls/server.pem'
ssl_key_file = '$home/tls/server.key'
fsync = off
max_connections = 60
CONF
  start_postgres
  as_user env PGPASSWORD=demo-admin-password psql -q -h "$home" -p "$port" -U admin postgres -c \
    "CREATE ROLE owner LOGIN CREATEDB PASSWORD 'demo-owner-password'; CREATE ROLE spine LOGIN PASSWORD 'demo-spine-password'"
}

mariadb_answers() {
  mariadb --no-defaults --socket="$home/mariadb.sock" --user=admin --password=demo-admin-password -e 'SELECT 1' >/dev/null 2>&1
}

start_mariadb() {
  local port
  port=$(cat "$home/mariadb.port")
  setsid runuser -u $user -- mariadbd --no-defaults --datadir="$home/mariadb" --bind-address=127.0.0.1 --port="$port" \
    --socket="$home/mariadb.sock" --pid-file="$home/mariadb.pid" --log-error="$home/mariadb.log" \
    --ssl-ca="$home/tls/ca.pem" --ssl-cert="$home/tls/server.pem" --ssl-key="$home/tls/server.key" \
    --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci </dev/null >/dev/null 2>&1 3>&- &
  for _ in $(seq 240); do
    mariadb_answers && return
    # The first start: there is no such user yet.
    mariadb --no-defaults --socket="$home/mariadb.sock" --user=root -e 'SELECT 1' >/dev/null 2>&1 && return
    sleep 0.25
  done
  return 1
}

stop_mariadb() {
  local pid
  [ -s "$home/mariadb.pid" ] || return 0
  pid=$(cat "$home/mariadb.pid")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 240); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.25
  done
  return 1
}

make_mariadb() {
  echo "$1" >"$home/mariadb.port"
  as_user mariadb-install-db --no-defaults --datadir="$home/mariadb" --auth-root-authentication-method=normal --skip-test-db
  start_mariadb
  mariadb --no-defaults --socket="$home/mariadb.sock" --user=root <<SQL
CREATE USER admin@localhost IDENTIFIED BY 'demo-admin-password';
GRANT ALL ON *.* TO admin@localhost WITH GRANT OPTION;
CREATE USER admin@'127.0.0.1' IDENTIFIED BY 'demo-admin-password';
GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;
CREATE USER owner@'127.0.0.1' IDENTIFIED BY 'demo-owner-password';
GRANT ALL ON *.* TO owner@'127.0.0.1' WITH GRANT OPTION;
CREATE USER spine@'127.0.0.1' IDENTIFIED BY 'demo-spine-password';
ALTER USER root@localhost IDENTIFIED BY 'demo-admin-password';
SQL
}

answers() {
  [ -s "$home/exports" ] || return 1
  "$pg/pg_isready" -q -h "$home" -p "$(sed -n 's/.*POSTGRES_PORT=//p' "$home/exports")" || return 1
  mariadb_answers
}

down() {
  stop_postgres || true
  stop_mariadb || true
  rm -rf "$home"
}

up() {
  packages
  answers && return
  down
  id -u $user >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin $user
  mkdir -p "$home"
  certificates
  chown -R $user:$user "$home"
  local postgres mariadb
  postgres=$(free_port)
  make_postgres "$postgres"
  mariadb=$(free_port)
  make_mariadb "$mariadb"
  printf 'export SPINE_SQL_HOME=%s\nexport SPINE_POSTGRES_PORT=%s\nexport SPINE_MARIADB_PORT=%s\n' \
    "$home" "$postgres" "$mariadb" >"$home/exports"
}

failed() {
  trap - ERR
  tail -n 20 "$home"/postgres.log "$home"/mariadb.log >&3 2>/dev/null || true
  echo "the databases could not be set up" >&3
  exit 1
}

case ${1:-up} in
  up)
    # Not `up || failed`: that would switch off `set -e` inside.
    exec 3>&2 # the trap runs where the failure is, whose output may go to a log
    trap failed ERR
    up >&2
    cat "$home/exports"
    ;;
  start) "start_$2" >&2 ;;
  stop) "stop_$2" >&2 ;;
  down) down ;;
  *)
    echo "usage: setup.sh up|down|start SERVER|stop SERVER" >&2
    exit 2
    ;;
esac
