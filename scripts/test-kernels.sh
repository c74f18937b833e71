#!/bin/sh
# Fetches the distribution's cloud kernels (Debian) that the boot tests start, with lists of its own: the machine's package
# database is not touched. build/kernels/ARCH/boot/vmlinuz-* is there afterwards, or a line that says why not.
set -eu
cd "$(dirname "$0")/.."
for arch in amd64 arm64; do
  home="$PWD/build/kernels/$arch"
  [ -z "$(ls "$home/boot/" 2>/dev/null)" ] || continue
  mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
  apt="-qq -oAPT::Architecture=$arch -oAPT::Architectures=$arch -oDir::State::Lists=$home/lists -oDir::Cache=$home/cache"
  # shellcheck disable=SC2086 -- the options hold no spaces of their own
  (
    cd "$home"
    apt-get $apt update
    name="$(apt-cache $apt depends "linux-image-cloud-$arch" | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')"
    apt-get $apt download "$name"
    dpkg-deb -x ./*.deb unpacked
    mkdir -p lib && mv unpacked/lib/modules lib/ && mv unpacked/boot .
    rm -rf unpacked lists cache ./*.deb
  ) >"$home/log" 2>&1 || echo "no $arch kernel for the boot tests: $(tail -n 1 "$home/log")"
done
