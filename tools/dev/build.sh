# Building: the C++ presets and the page.

verb_build() {
  local preset=${1:-release}
  [ $# -gt 0 ] && shift
  tools/build.sh "$preset" "$@"
}

# Compiles clients/js when it differs from what its dist was compiled from.
build_client() {
  local stamp
  use_node || die "no Node: ./dev setup run"
  stamp=$(content_hash clients/js/src clients/js/package-lock.json clients/js/tsconfig.json)
  [ -f clients/js/dist/index.js ] && [ "$(cat build/client.stamp 2>/dev/null)" = "$stamp" ] && return 0
  npm_ci clients/js
  say "building clients/js"
  rm -rf clients/js/dist
  (cd clients/js && npm run --silent build) >&2
  mkdir -p build
  echo "$stamp" >build/client.stamp
}

# Builds web/dist when something below web/ or in the provider differs from what it was built from.
build_page() {
  local stamp
  [ -f web/package-lock.json ] || die "web/ has no package-lock.json"
  build_client
  stamp=$(content_hash web clients/js/src clients/js/package-lock.json)
  [ -f web/dist/index.html ] && [ "$(cat build/web.stamp 2>/dev/null)" = "$stamp" ] && return 0
  npm_ci web
  say "building the page"
  (cd web && npm run --silent build) >&2
  mkdir -p build
  echo "$stamp" >build/web.stamp
}

verb_run() {
  verb_setup run
  say "building build/release/weft"
  tools/build.sh release weft >&2
  build_page
  exec build/release/weft serve --web web/dist "$@"
}
