#!/usr/bin/env bash
# Our client of the Model Context Protocol before the suite of the protocol's makers. `end2end/conformance-client.sh`
# runs every scenario; what we do otherwise on purpose, and why, stands in conformance-client.yml.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
suite=0.1.16
node=22

if [ "${1:-}" = "--client" ]; then
  # The suite starts us with the address of its server, and tells the rest by the environment.
  exec "$2" "$MCP_CONFORMANCE_SCENARIO" "${MCP_CONFORMANCE_CONTEXT:-null}" "$3"
fi

cd "$root"
cargo build --quiet -p engine --example connector_conformance
target=$(cargo metadata --format-version 1 --no-deps | node -p 'JSON.parse(require("fs").readFileSync(0)).target_directory')
npx --yes -p "node@$node" -p "@modelcontextprotocol/conformance@$suite" -- conformance client --suite all \
  --timeout 60000 --output-dir "$(mktemp -d)" --expected-failures "$here/conformance-client.yml" \
  --command "$here/conformance-client.sh --client $target/debug/examples/connector_conformance" "$@"
