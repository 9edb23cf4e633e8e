#!/bin/sh
# Makes sure that the NATS server is there for the tests: the machine's own, else the system's package where this runs
# as root on Debian; else one line says what to install.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin
command -v nats-server >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing nats-server for the tests"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nats-server; } \
        >/dev/null && exit 0
fi
case "$(uname)" in
    Darwin) echo "the NATS server is missing; run: brew install nats-server" >&2 ;;
    *) echo "the NATS server is missing; run: sudo apt-get update && sudo apt-get install -y nats-server" >&2 ;;
esac
exit 1
