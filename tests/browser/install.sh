#!/bin/sh
# Make sure that the browser tests find a Chromium: one that is there, the system's package, or Playwright's own.
set -eu
python=$1

if "$python" -m tests.browser.chromium; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium with apt-get."
    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; then
        "$python" -m tests.browser.chromium && exit 0
    fi
fi
echo "Downloading Playwright's Chromium."
"$python" -m playwright install chromium
"$python" -m tests.browser.chromium
