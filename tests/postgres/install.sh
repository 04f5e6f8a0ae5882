#!/bin/sh
# Make sure that the tests find the programs of a PostgreSQL server: those that are there, or the system's package.
# Where neither is to be had its tests are left out.
set -eu
python=$1

if "$python" -m tests.postgres.server; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL with apt-get."
    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; then
        "$python" -m tests.postgres.server && exit 0
    fi
fi
echo "There is no PostgreSQL server here: its tests are left out. Install the package postgresql to have them run."
