#!/bin/sh
# SPDX-License-Identifier: MIT
# Clones, repacks and checks this repository, then a made-up one with a longer history.
set -eu
export GIT_CONFIG_GLOBAL="$PWD/config" GIT_CONFIG_NOSYSTEM=1
git config --global safe.directory '*'
git config --global gc.auto 0
git config --global core.abbrev 40

# One thread, because several share the search for deltas by who is first, and packs then differ.
git clone --quiet --bare --single-branch --no-tags "file://$SOURCE" this.git
git -C this.git -c pack.threads=1 repack -a -d -f -q
git -C this.git fsck --strict --no-progress
git -C this.git rev-list --objects HEAD
mv this.git/objects/pack/*.pack this.pack

git init --quiet --bare --initial-branch=main made.git
# 3000 commits, each with a file changed out of 200 and a longer text grown.
awk '
    function data(text) { printf "data %d\n%s\n", length(text), text }
    BEGIN {
        seed = 1
        for (commit = 1; commit <= 3000; commit++) {
            printf "commit refs/heads/main\nmark :%d\n", commit
            printf "author A <a@example.org> %d +0000\n", 1700000000 + commit
            printf "committer A <a@example.org> %d +0000\n", 1700000000 + commit
            data("change " commit)
            for (line = 0; line < 40; line++) {
                seed = (seed * 69069 + 1) % 1048576
                if (seed % 4 == 0) lines[commit % 200, line] = "line " line " holds " seed
            }
            text = ""
            for (line = 0; line < 40; line++) text = text lines[commit % 200, line] "\n"
            printf "M 100644 inline folder%d/file%d\n", commit % 10, commit % 200
            data(text)
            if (commit % 10 == 0) {
                story = story "Chapter " commit " tells of " seed ".\n"
                printf "M 100644 inline story\n"
                data(story)
            }
        }
    }' | git -C made.git fast-import --quiet
git -C made.git repack -a -d -f -q --depth=50 --window=50
git -C made.git -c pack.threads=1 repack -a -d -f -q
git -C made.git fsck --strict --no-progress
git -C made.git log --stat --format='%H %T %s' main | sha1sum
git -C made.git log -p --follow --format=%H main -- folder7/file7 | sha1sum
git -C made.git blame --porcelain main -- story | sha1sum
git -C made.git cat-file --batch-all-objects --batch | sha1sum
mv made.git/objects/pack/*.pack made.pack
