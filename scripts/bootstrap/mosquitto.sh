#!/bin/sh
# Makes sure that the MQTT broker mosquitto is there for the tests: the machine's own, else the system's package where
# this runs as root on Debian; else one line says what to install.
set -eu

PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin
command -v mosquitto >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing mosquitto for the tests"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto; } \
        >/dev/null && exit 0
fi
case "$(uname)" in
    Darwin) echo "the MQTT broker mosquitto is missing; run: brew install mosquitto" >&2 ;;
    *) echo "the MQTT broker mosquitto is missing; run: sudo apt-get update && sudo apt-get install -y mosquitto" >&2 ;;
esac
exit 1
