#!/bin/sh
# Sets up a checkout: the locked packages (Node 24 among them) and the Debian packages that the main job needs.
# POSIX sh, because on a fresh machine the right Node is not there yet. With nothing to do it does nothing, fast.
set -eu
cd "$(dirname "$0")/.."

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "portkit: installing the locked packages (first run only)" >&2
  npm ci --no-progress >&2
fi

# command:package, one a line
needed="bwrap:bubblewrap"

missing=""
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if [ "${PORTKIT_SETUP_APT:-1}" = 0 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "portkit: missing:$missing" >&2
  echo "portkit: run this, then try again:  sudo apt-get install -y --no-install-recommends$missing" >&2
  exit 69
fi

export DEBIAN_FRONTEND=noninteractive
for package in $missing; do
  echo "portkit: installing the Debian package $package" >&2
  if ! apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1; then
    apt-get update >/dev/null 2>&1 || true
    if ! apt-get install -y --no-install-recommends "$package" >/dev/null; then
      echo "portkit: run this, then try again:  apt-get install -y --no-install-recommends$missing" >&2
      exit 69
    fi
  fi
done
