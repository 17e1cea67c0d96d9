# shellcheck shell=bash
# Installs what a fresh machine lacks. Sourced by bin/run and bin/test; every function does nothing
# where its tool is there already.

leptos_version=0.3.11
binaryen_version=132

# apt_install PACKAGE..: as root or with a sudo that does not ask; otherwise says what to install.
apt_install() {
  local sudo=()
  if ! have apt-get; then die "please install: $*"; fi
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || die "please install (needs root): apt-get install $*"
    sudo=(sudo -n)
  fi
  note "installing $* (about a minute)"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

setup_compiler() {
  have cargo || die "please install Rust (rustup) first"
  have cc || apt_install build-essential pkg-config
  if ! rustup target list --installed 2>/dev/null | grep -q wasm32-unknown-unknown; then
    note "adding the wasm target (seconds)"
    rustup target add wasm32-unknown-unknown >/dev/null 2>&1 || die "rustup could not add wasm32-unknown-unknown"
  fi
}

setup_postgres() {
  pg_bindir >/dev/null || apt_install postgresql
}

# The site build. Light profiles: these tools run for seconds and would take ten minutes to optimise.
setup_site_tools() {
  local bindgen
  bindgen=$(locked_version wasm-bindgen)
  export PATH="$HOME/.cargo/bin:$PATH"
  if ! cargo leptos --version 2>/dev/null | grep -q "$leptos_version"; then
    note "building cargo-leptos $leptos_version (about 4 minutes, once)"
    CARGO_TARGET_DIR="$cache/tools" CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS='' \
      cargo install "cargo-leptos@$leptos_version" --locked --ignore-rust-version --profile dev --quiet
  fi
  if ! wasm-bindgen --version 2>/dev/null | grep -qx "wasm-bindgen $bindgen"; then
    note "building wasm-bindgen $bindgen (about 3 minutes, once)"
    CARGO_TARGET_DIR="$cache/tools" CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=1 RUSTFLAGS='' \
      cargo install "wasm-bindgen-cli@$bindgen" --profile dev --force --quiet
  fi
  rm -rf "$cache/tools"
}

# The optimiser of a release; the one of older distributions does not know today's wasm.
setup_wasm_opt() {
  have node && have npm || apt_install nodejs npm
  if [ ! -x "$cache/binaryen/node_modules/.bin/wasm-opt" ]; then
    note "installing wasm-opt (seconds)"
    npm install --prefix "$cache/binaryen" --no-audit --no-fund --silent "binaryen@$binaryen_version"
  fi
  export PATH="$cache/binaryen/node_modules/.bin:$PATH"
}

# Builds style, wasm and server. One profile everywhere, so nothing is built twice.
build_site() {
  "$root/bin/style"
  (cd "$root" && cargo leptos build)
}

# Journeys, and servers that are not ours to test against.
setup_peers() {
  have node && have npm || apt_install nodejs npm
  if [ ! "$root/end2end/node_modules/.package-lock.json" -nt "$root/end2end/package-lock.json" ]; then
    (cd "$root/end2end" && npm ci --no-audit --no-fund --silent)
  fi
}

setup_browser() {
  have chromium || have google-chrome || apt_install chromium
}

setup_mail_tools() {
  [ -x /usr/sbin/smtp-sink ] || have smtp-sink || apt_install postfix
  [ -x /usr/sbin/dovecot ] || have dovecot || apt_install dovecot-imapd
  [ -x /usr/sbin/dnsmasq ] || have dnsmasq || apt_install dnsmasq-base
  [ -x /usr/sbin/opendkim ] || have opendkim || apt_install opendkim
}
