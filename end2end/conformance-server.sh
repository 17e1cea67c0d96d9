#!/usr/bin/env bash
# The conformance suite of the Model Context Protocol against a server that is running, for a key of it:
#   end2end/conformance-server.sh http://127.0.0.1:3000 sw_live_..
# What its scenarios say, and which do not apply, stands in end2end/conformance.md.
set -euo pipefail

server=${1:?the address of a server} key=${2:?a key}
expected=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/conformance-expected.yml
work=$(mktemp -d)
trap 'kill "${door:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

# The suite sends no key, so a door in front of the server adds it. It calls the server by its own port, as a
# proxy in front of a real one does, and changes nothing else.
cat >"$work/door.mjs" <<'DOOR'
import http from "node:http";
const [server, key] = process.argv.slice(2);
const target = new URL(server);
const door = http.createServer((request, response) => {
  const own = `:${door.address().port}`, its = target.port ? `:${target.port}` : "";
  const headers = { ...request.headers, authorization: `Bearer ${key}` };
  for (const name of ["host", "origin"]) headers[name] = headers[name]?.replace(own, its);
  for (const name in headers) if (headers[name] === undefined) delete headers[name];
  const { hostname, port } = target, { method, url: path } = request;
  const call = http.request({ hostname, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  call.on("error", () => response.destroy());
  request.pipe(call);
});
door.listen(0, "127.0.0.1", () => console.log(door.address().port));
DOOR

# The suite needs Node 22 or newer.
node22() { npx --yes -p node@22 -p @modelcontextprotocol/conformance@0.1.16 "$@"; }

node "$work/door.mjs" "$server" "$key" >"$work/port" &
door=$!
until [ -s "$work/port" ]; do kill -0 "$door"; sleep 0.1; done
node22 conformance server --url "http://127.0.0.1:$(cat "$work/port")/mcp" --suite all \
  --expected-failures "$expected" "${@:3}"
