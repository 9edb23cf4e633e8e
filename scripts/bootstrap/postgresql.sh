#!/bin/sh
# Makes sure that PostgreSQL's server programs are there for the tests of the node's store: the machine's own, else
# the system's package where this runs as root on Debian. The tests start a server of their own from them.
set -eu

for folder in $(command -v pg_config >/dev/null 2>&1 && pg_config --bindir) /usr/lib/postgresql/*/bin; do
    [ -x "$folder/initdb" ] && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing PostgreSQL for the tests of the node's store"
    # No server of the system's: the package would start one beside those of the tests.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } \
        >/dev/null && exit 0
fi
echo "PostgreSQL is missing; install your system's package of it (its programs initdb and postgres), then run this again" >&2
exit 1
