#!/bin/bash
# SPDX-License-Identifier: MIT
# A fresh Debian in a folder, with nothing but its base system, and ccache, by which what is compiled several times
# with the same options takes its time once:
#
#   chroot.sh make FOLDER SUITE    SUITE: bookworm or trixie; BARROW_TEST_MIRROR chooses another mirror
#   chroot.sh remove FOLDER
#   chroot.sh run FOLDER COMMAND   as root inside, with the network, /proc and, for script(1), terminals
#
# Where it cannot be made (not root, no debootstrap, no mirror), the file FOLDER.skipped says why; then `run` prints
# that and ends with 77.
set -euo pipefail
action=$1 folder=$2
shift 2
mirror=${BARROW_TEST_MIRROR:-http://deb.debian.org/debian}

give_up() {
    echo "chroot: not made: $*" | tee "$folder.skipped"
    exit 0
}

make_it() {
    local suite=$1
    mkdir -p "$(dirname "$folder")"
    rm -f "$folder.skipped"
    [ "$(id -u)" -eq 0 ] || give_up "this user is not root"
    command -v debootstrap >/dev/null || give_up "debootstrap is not installed"
    remove_it
    if ! debootstrap --variant=minbase --include=ccache "$suite" "$folder" "$mirror" >"$folder.log" 2>&1; then
        # A mirror that cannot be reached, or a sandbox that forbids it, is no fault of ours.
        give_up "debootstrap: $(tail -n 1 "$folder.log")"
    fi
    cp /etc/resolv.conf "$folder/etc/resolv.conf"
    # Nobody is there to be asked.
    printf '%s;\n' 'Acquire::Languages "none"' 'APT::Install-Recommends "false"' 'APT::Get::Assume-Yes "true"' \
        >"$folder/etc/apt/apt.conf.d/90test"
}

remove_it() {
    local inside
    for inside in dev/pts proc; do
        ! mountpoint -q "$folder/$inside" || umount "$folder/$inside"
    done
    rm -rf "$folder"
}

run_it() {
    if [ -e "$folder.skipped" ]; then
        cat "$folder.skipped"
        exit 77
    fi
    # Where mounting is forbidden, most of what is run here does without /proc and terminals.
    mountpoint -q "$folder/proc" || mount -t proc proc "$folder/proc" 2>/dev/null || true
    mountpoint -q "$folder/dev/pts" || mount -t devpts devpts "$folder/dev/pts" 2>/dev/null || true
    env -i HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive CMAKE_BUILD_PARALLEL_LEVEL="$(nproc)" \
        CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=/var/cache/ccache \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$folder" "$@" </dev/null
}

case $action in
make) make_it "$@" ;;
remove) remove_it ;;
run) run_it "$@" ;;
*) exit 2 ;;
esac
