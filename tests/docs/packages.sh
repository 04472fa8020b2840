#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's packages and CPack's archive are built, and installed in a fresh Debian.
#
#   packages.sh SOURCE CHROOT WORK
set -euo pipefail
source=$1 chroot=$2 work=$3
here=$(dirname "$(readlink -f "$0")")
for tool in dpkg-buildpackage dh lintian; do
    command -v "$tool" >/dev/null || {
        echo "packages: $tool is not installed (Debian: dpkg-dev, debhelper, lintian)"
        exit 77
    }
done
rm -rf "$work"
mkdir -p "$work"

"$source/tools/packaging/deb" "$work/deb" >"$work/deb.log" 2>&1 || {
    tail -n 40 "$work/deb.log"
    exit 1
}
{
    cmake -S "$source" -B "$work/build" -DBARROW_BUILD_TESTS=OFF && cd "$work/build" &&
        cpack -G TGZ -B "$work/archive"
} >"$work/cpack.log" 2>&1 || {
    tail -n 40 "$work/cpack.log"
    exit 1
}
listing=$(tar --list --file "$work"/archive/barrow-*.tar.gz)
for file in bin/barrow lib/libbarrow.so.0 lib/libbarrow.a include/barrow/barrow.h share/man/man1/barrow.1 \
    share/man/man3/HeapCreate.3 share/doc/barrow/LICENSE share/doc/barrow/CHANGELOG.md \
    share/bash-completion/completions/barrow; do
    grep -q "/$file\$" <<<"$listing" || {
        echo "packages: the archive lacks $file"
        exit 1
    }
done

"$here/chroot.sh" run "$chroot" true # ends with 77 if there is none
rm -rf "$chroot/root/deb"
mkdir -p "$chroot/root/deb"
cp "$work"/deb/*.deb "$chroot/root/deb"
rm -f "$chroot"/root/deb/*-dbgsym_*
out=$("$here/chroot.sh" run "$chroot" bash -euo pipefail -c '
    dpkg --install /root/deb/*.deb >/dev/null
    barrow version
    barrow run --stats -- perl -e "print 6 * 7, chr 10"
    ls /usr/share/man/man3/HeapCreate.3.gz /usr/share/doc/libbarrow0/copyright /usr/include/barrow/heapapi.h
    dpkg --purge barrow libbarrow-dev libbarrow0 >/dev/null
    ! ls /usr/lib/*/libbarrow* 2>/dev/null' 2>&1) || {
    echo "$out"
    exit 1
}
for text in "barrow 0." 42 "the heap of perl" HeapCreate.3.gz; do
    grep -qF "$text" <<<"$out" || {
        printf 'packages: no "%s" in:\n%s\n' "$text" "$out"
        exit 1
    }
done
