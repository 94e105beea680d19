#!/bin/sh
# Makes the secret files that compose.yaml mounts, once. Existing ones are kept.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }
keep() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }

keep postgres_password "$(random 16)"
keep rabbitmq_password "$(random 16)"
keep secret_key "$(random 32)"
keep s3_access_key_id "$(random 10)"
keep s3_secret_access_key "$(random 20)"
keep database_url "postgres://backtrail:$(cat secrets/postgres_password)@postgres:5432/backtrail?sslmode=disable"
keep amqp_url "amqp://backtrail:$(cat secrets/rabbitmq_password)@rabbitmq:5672/%2f"
keep rabbitmq.conf "default_user = backtrail
default_pass = $(cat secrets/rabbitmq_password)
"
# A container reads its file as user 65532 through a mount; on this host the directory keeps everybody else out.
chmod 700 secrets && chmod 644 secrets/*
echo "secrets are in $(pwd)/secrets"
