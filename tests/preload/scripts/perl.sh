#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu
PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 perl "$DATA/words.pl"
