#!/usr/bin/env bash
# Proves that the two commands of the README need nothing but a bare Debian 12: a fresh minimal
# system in a scratch directory, a clean clone of HEAD, then `./dev run` until /readyz answers 200
# (at most 10 minutes) and `.ci/run` (at most 30). `--only-run` leaves out the second; other arguments
# are a command that is run there instead. DEV_BARE_DIR keeps the system for inspection.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "SKIP bare: needs root for debootstrap and chroot"; exit 77; }

run_seconds_max=600
test_seconds_max=1800
scratch=${DEV_BARE_DIR:-$(mktemp -d /var/tmp/weft-bare.XXXXXX)}
root=$scratch/root
mkdir -p "$root"
server=
cleanup() {
  [ -n "$server" ] && kill -KILL "$server" 2>/dev/null && wait "$server" 2>/dev/null
  [ -n "${DEV_BARE_DIR:-}" ] || rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT

sources=/etc/apt/sources.list.d/debian.sources
[ -f $sources ] || sources=/etc/apt/sources.list
mirror=$(sed -nE 's/^(URIs: *|deb +(\[[^]]*\] +)?)(https?:[^ ]+).*/\3/p' "$sources" | head -n 1)
begin=$(date +%s)
[ -x "$root/bin/bash" ] || debootstrap --variant=minbase bookworm "$root" "$mirror" >"$scratch/debootstrap.log" 2>&1 ||
  { tail "$scratch/debootstrap.log"; exit 1; }
echo "bare: minimal Debian 12 in $(($(date +%s) - begin)) s"

# The new system reaches the registries as this machine does: same sources, names, proxies, roots.
cp "$sources" "$root$sources"
[ "$sources" = /etc/apt/sources.list ] || : >"$root/etc/apt/sources.list"
for file in /etc/apt/apt.conf.d/*; do
  if grep -qs '^Acquire' "$file" && ! grep -qs gzip "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/"; fi
done
# Roots of the machine's own: Java takes none from the environment.
for file in /usr/local/share/ca-certificates/*.crt; do
  if [ -f "$file" ]; then install -D -m 644 "$file" "$root$file"; fi
done
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
for file in /etc/pip.conf "$HOME/.npmrc" "$HOME/.config/pip/pip.conf" "$HOME/.cargo/config.toml"; do
  if [ -f "$file" ]; then install -D "$file" "$root${file/#$HOME//root}"; fi
done
if [ -f /etc/maven/settings.xml ] || [ -f "$HOME/.m2/settings.xml" ]; then
  mkdir -p "$root/root/.m2"
  cp "$(ls "$HOME/.m2/settings.xml" /etc/maven/settings.xml 2>/dev/null | head -n 1)" "$root/root/.m2/settings.xml"
fi
settings=(HOME=/root USER=root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
while IFS= read -r line; do settings+=("$line"); done < \
  <(env | grep -iE '^((https?|no|all)_proxy|npm_config_[a-z_]*registry|pip_(index_url|extra_index_url|default_timeout))=' || true)
roots=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
if [ -f "$roots" ]; then
  install -D -m 644 "$roots" "$root/opt/host-roots.crt"
  for name in SSL_CERT_FILE CURL_CA_BUNDLE CARGO_HTTP_CAINFO PIP_CERT REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS; do
    settings+=("$name=/opt/host-roots.crt")
  done
  sed -i 's#/etc/ssl/certs/ca-certificates.crt#/opt/host-roots.crt#' "$root/etc/pip.conf" "$root/root/.npmrc" 2>/dev/null || true
fi

rm -rf "$root/srv/weft"
git clone -q --no-local . "$root/srv/weft"
echo "bare: clean clone of $(git rev-parse --short=12 HEAD)"

# The start of a command line that runs there, in name spaces of its own: whatever it starts ends
# with it. unshare ignores SIGTERM while it waits; SIGKILL takes everything below along.
# shellcheck disable=SC2016
inside=(unshare --mount --pid --fork --kill-child bash -c '
  root=$1; shift
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/dev/shm"
  exec chroot "$root" "$@"' inside "$root" env -i "${settings[@]}" sh -c 'cd /srv/weft && exec "$@"' weft)

if [ $# -gt 0 ] && [ "$1" != --only-run ]; then
  begin=$(date +%s)
  "${inside[@]}" "$@"
  echo "bare: '$*' in $(($(date +%s) - begin)) s"
  exit 0
fi

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
begin=$(date +%s)
"${inside[@]}" ./dev run --listen "127.0.0.1:$port" >"$scratch/run.log" 2>&1 &
server=$!
until [ "$(curl -s -o "$scratch/ready" -w '%{http_code}' "http://127.0.0.1:$port/readyz")" = 200 ]; do
  if ! kill -0 $server 2>/dev/null || [ $(($(date +%s) - begin)) -gt $run_seconds_max ]; then
    tail -n 50 "$scratch/run.log"
    echo "bare: ./dev run did not serve within $run_seconds_max s"
    exit 1
  fi
  sleep 1
done
echo "bare: ./dev run served after $(($(date +%s) - begin)) s (at most $run_seconds_max)"
# Not by a pipe: whoever stops reading at the first match makes curl fail.
page=$(curl -sf "http://127.0.0.1:$port/") || true
[[ ${page,,} == *'<html'* ]] || { echo "bare: no page at /"; exit 1; }
kill -KILL $server
wait $server || true
server=
[ "${1:-}" = --only-run ] && exit 0

# .ci/run is cold where the build directory is: what ./dev run built does not help it.
rm -rf "$root/srv/weft"
git clone -q --no-local . "$root/srv/weft"
begin=$(date +%s)
"${inside[@]}" env CCACHE_DISABLE=1 .ci/run
seconds=$(($(date +%s) - begin))
echo "bare: .ci/run in $seconds s (at most $test_seconds_max)"
[ $seconds -le $test_seconds_max ]
