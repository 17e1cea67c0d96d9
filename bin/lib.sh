# shellcheck shell=bash
# What the commands in bin/ share: where things lie, how they speak, and how a
# throw-away Postgres is started. Sourced, never run; it changes nothing by itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/saleswright

# One target folder for every command, outside the checkout, so that nothing is
# compiled twice and a fresh clone starts warm.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

# ---------------------------------------------------------------- speaking

say()  { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die()  { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---------------------------------------------------------------- tools

# The version that Cargo.lock holds for a crate.
locked_version() {
  awk -v crate="$1" '
    $0 == "name = \"" crate "\"" { getline; gsub(/[" ]|version|=/, ""); print; exit }
  ' "$root/Cargo.lock"
}

# One hash over the tracked and the new files below the given paths.
hash_of() {
  (
    cd "$root" || exit
    git ls-files -z --cached --others --exclude-standard -- "$@" |
      while IFS= read -r -d '' file; do
        [ ! -f "$file" ] || printf '%s %s\n' "$(git hash-object -- "$file")" "$file"
      done | git hash-object --stdin
  )
}

# ---------------------------------------------------------------- Postgres

# The folder with the Postgres server programs; the highest major version wins.
pg_bindir() {
  local dir
  for dir in "${PG_BIN:-}" \
    "$(pg_config --bindir 2>/dev/null || true)" \
    $(printf '%s\n' /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin /usr/pgsql-*/bin | sort -rV) \
    /Applications/Postgres.app/Contents/Versions/latest/bin; do
    if [ -n "$dir" ] && [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ]; then
      echo "$dir"
      return
    fi
  done
  if have postgres && have initdb; then
    dirname "$(command -v postgres)"
    return
  fi
  return 1
}

# Postgres refuses to run as root, so root hands the command to `postgres`.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
  else
    "$@"
  fi
}

# A folder that the user `postgres` can reach: root's own cache is closed to it.
pg_home() {
  if [ "$(id -u)" = 0 ]; then echo /var/cache/saleswright; else echo "$cache"; fi
}

# Makes a folder that only the Postgres user may enter.
pg_folder() {
  mkdir -p "$(dirname "$1")"
  if [ "$(id -u)" = 0 ]; then
    install -d -m 700 -o postgres -g postgres "$1"
  else
    install -d -m 700 "$1"
  fi
}

# pg_start DATA SOCKET_DIR: starts a server without network and without
# durability; does nothing when it runs already.
pg_start() {
  local data=$1 sockets=$2 bin
  bin=$(pg_bindir) || die "no Postgres server programs found; install postgresql (bin/run does it) or set PG_BIN"
  pg_folder "$data"
  pg_folder "$sockets"
  if [ ! -f "$data/PG_VERSION" ]; then
    as_postgres "$bin/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 -A trust --no-sync >/dev/null
  fi
  if as_postgres "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then return; fi
  as_postgres "$bin/pg_ctl" -D "$data" -l "$data/server.log" -w -s \
    -o "-c listen_addresses= -c unix_socket_directories=$sockets -c fsync=off -c max_connections=200" start ||
    die "Postgres did not start; see $data/server.log"
}

# pg_stop DATA: stops the server if it runs.
pg_stop() {
  local bin
  bin=$(pg_bindir) || return 0
  as_postgres "$bin/pg_ctl" -D "$1" -m fast -w -s stop 2>/dev/null || true
}
