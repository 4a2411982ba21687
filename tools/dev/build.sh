# Building: the C++ presets and the page.

verb_build() {
  local preset=${1:-release}
  [ $# -gt 0 ] && shift
  tools/build.sh "$preset" "$@"
}

# Builds web/dist when something below web/ differs from what it was built from.
build_page() {
  local stamp
  [ -f web/package-lock.json ] || die "web/ has no package-lock.json"
  stamp=$(content_hash web)
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
