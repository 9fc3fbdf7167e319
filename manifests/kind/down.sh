#!/usr/bin/env bash
# Deletes the kind cluster and everything that up.sh created in it. The images stay in Docker.
set -euo pipefail
exec kind delete cluster --name "${CLUSTER_NAME:-elastometer}"
