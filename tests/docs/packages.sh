#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's packages and CPack's archive are built, and installed in a fresh Debian, without and with what they
# recommend.
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
rm -rf "$chroot/root/deb" "${chroot:?}/usr/local" # where another test may have installed barrow
mkdir -p "$chroot/root/deb" "$chroot/usr/local"
cp "$work"/deb/*.deb "$chroot/root/deb"
rm -f "$chroot"/root/deb/*-dbgsym_*

# inside COMMANDS TEXT ...: they succeed, and what they print has the texts.
inside() {
    out=$("$here/chroot.sh" run "$chroot" bash -euo pipefail -c "$1" 2>&1) || {
        echo "$out"
        exit 1
    }
    for text in "${@:2}"; do
        grep -qF "$text" <<<"$out" || {
            printf 'packages: no "%s" in:\n%s\n' "$text" "$out"
            exit 1
        }
    done
}

# dpkg installs nothing else: neither the library nor the command depends on more than the C library.
# shellcheck disable=SC2016 # the shell inside expands it
inside 'dpkg --install /root/deb/*.deb >/dev/null
    barrow version
    barrow run --stats -- perl -e "print 6 * 7, chr 10"
    barrow top --once
    ls /usr/share/man/man3/HeapCreate.3.gz /usr/share/doc/libbarrow0/copyright /usr/include/barrow/heapapi.h
    dpkg-query --show --showformat "\${Package} needs \${Pre-Depends} \${Depends}\n" barrow libbarrow0
    dpkg --purge barrow libbarrow-dev libbarrow0 >/dev/null
    ! ls /usr/lib/*/libbarrow* 2>/dev/null' "barrow 0." 42 "the heap of perl" HeapCreate.3.gz \
    "barrow needs" "libbarrow0 needs"
for package in ncurses libdw cairo; do
    ! grep " needs .*$package" <<<"$out" || {
        echo "packages: a dependency that only a module has"
        exit 1
    }
done

# apt-get brings what is recommended, and with it all of the command works.
# shellcheck disable=SC2016 # the shell inside expands it
inside 'apt-get -qq update
    apt-get -qq install --install-recommends /root/deb/*.deb >/dev/null
    (sleep 3; printf q) | TERM=xterm script --quiet --return --command "barrow top" /dev/null
    barrow symbolize
    barrow run perl -e "sleep 60" & pid=$!
    trap "kill $pid" EXIT
    for i in {1..100}; do if barrow stats $pid >/dev/null 2>&1; then break; else sleep 0.1; fi; done
    barrow map $pid -o /root/heap.svg
    ls /root/heap.svg
    apt-get -qq purge --autoremove barrow libbarrow-dev libbarrow0 >/dev/null
    ! ls /usr/lib/*/libbarrow* 2>/dev/null' "barrow top  " heap.svg
