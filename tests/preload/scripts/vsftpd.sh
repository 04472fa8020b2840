#!/bin/sh
# SPDX-License-Identifier: MIT
# The FTP server, which limits its own address space: five sessions, each with a list and a file. Its
# filter of system calls is off: it allows what glibc's malloc calls, and kills the session for others.
set -eu
mkdir -p root empty
chmod 755 . root empty
python3 -c 'print("line\n" * 20000, end="")' >root/file
port=$((20000 + $$ % 20000))
cat >server.conf <<END
listen=YES
listen_address=127.0.0.1
listen_port=$port
background=NO
anonymous_enable=YES
local_enable=NO
no_anon_password=YES
anon_root=$PWD/root
secure_chroot_dir=$PWD/empty
ftp_username=nobody
nopriv_user=nobody
seccomp_sandbox=NO
END
/usr/sbin/vsftpd "$PWD/server.conf" >server.log 2>&1 &
server=$!
python3 "$DATA/ftp_sessions.py" "$port" 5
# it leaves no account, for a signal ends it
[ -z "${LD_PRELOAD-}" ] || grep -q libbarrow "/proc/$server/maps"
kill $server
wait $server 2>/dev/null || true
