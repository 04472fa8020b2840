#!/bin/sh
# SPDX-License-Identifier: MIT
# A script by the command line, with the engine's own allocator and without.
set -eu
php "$DATA/page.php"
USE_ZEND_ALLOC=0 php "$DATA/page.php"
