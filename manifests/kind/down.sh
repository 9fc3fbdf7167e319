#!/usr/bin/env bash
# Removes the kind cluster, and with it everything that up.sh made in it. Images stay in Docker.
set -euo pipefail
exec kind delete cluster --name "${CLUSTER_NAME:-elastometer}"
