#!/bin/sh
# Installs what the build, the tests or the demo need and this machine lacks, from the distribution's packages.
#
#   install-prerequisites.sh build|run|lint|test|fuzz ...
#
# Root: installs, without letting the distribution start its own servers. Anyone else: names the missing packages.
# Does nothing, quickly, when everything is there.
set -eu

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
missing=""

# need PACKAGE PROGRAM: the package is missing when the program is.
need() {
    command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}

# need_file PACKAGE PATTERN: the same for a file outside of the search path.
need_file() {
    package=$1
    shift
    for candidate; do
        [ -e "$candidate" ] && return
    done
    missing="$missing $package"
}

[ $# -gt 0 ] || set -- build run
for group; do
    case $group in
    build)
        need gcc cc
        need_file libc6-dev /usr/include/stdlib.h
        ;;
    run)
        need_file postgresql /usr/lib/postgresql/*/bin/postgres
        need_file rabbitmq-server /usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server
        need mariadb-server mariadbd
        need mariadb-client mariadb
        need mydumper mydumper
        ;;
    lint)
        [ -e "$(dirname "$0")/../validate.sh" ] || continue
        need_file python3-venv /usr/lib/python3*/venv/__main__.py
        need kubernetes-client kubectl
        need docker-compose docker-compose
        ;;
    test)
        need mmdebstrap mmdebstrap
        ;;
    fuzz)
        need g++ c++
        ;;
    *)
        echo "$0: unknown group $group" >&2
        exit 2
        ;;
    esac
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "These packages are missing:$missing" >&2
        echo "Install them as root: apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "installing:$missing"

    # While this policy answers 101, package scripts do not start servers. One that was there before is put back.
    policy=/usr/sbin/policy-rc.d
    saved=""
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        saved=$(mktemp -u "$policy.backtrail.XXXXXX")
        mv "$policy" "$saved"
    fi
    restore() {
        rm -f "$policy"
        [ -z "$saved" ] || mv "$saved" "$policy"
    }
    trap restore EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"

    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    # shellcheck disable=SC2086 # the list is meant to be split
    apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
fi

case " $* " in
*" test "*)
    if ! cargo nextest --version >/dev/null 2>&1; then
        echo "installing: cargo-nextest (once, a few minutes)"
        cargo install cargo-nextest --locked
    fi
    ;;
esac

case " $* " in
*" fuzz "*)
    if ! cargo fuzz --version >/dev/null 2>&1; then
        echo "installing: cargo-fuzz (once, a few minutes)"
        cargo install cargo-fuzz --locked
    fi
    ;;
esac
