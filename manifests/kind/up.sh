#!/usr/bin/env bash
# Creates a kind cluster with everything that the samples need: images, Prometheus, metrics, fake GPUs, the operator.
# It is safe to run again: whatever exists already is kept and brought up to date.
#   manifests/kind/up.sh [--keda] [--no-operator]
# Needs docker, kind, kubectl and helm. CLUSTER_NAME, GPUS (per node) and VERSION may be set in the environment.
set -euo pipefail
cd "$(dirname "$0")/../.."

CLUSTER_NAME=${CLUSTER_NAME:-elastometer}
GPUS=${GPUS:-8}
VERSION=${VERSION:-0.1.0}
KEDA_VERSION=2.21.0
CONTEXT="kind-$CLUSTER_NAME"
keda=no
operator=yes

for argument in "$@"; do
  case $argument in
    --keda) keda=yes ;;
    --no-operator) operator=no ;;
    *) echo "up.sh: unknown argument '$argument'; give --keda, --no-operator or nothing" >&2; exit 2 ;;
  esac
done

for program in docker kind kubectl helm; do
  if ! command -v "$program" >/dev/null; then
    echo "up.sh: '$program' must be on PATH" >&2
    exit 2
  fi
done

kube() { kubectl --context "$CONTEXT" "$@"; }

if ! kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME"; then
  kind create cluster --name "$CLUSTER_NAME" --config manifests/kind/cluster.yaml --wait 120s
fi

# The image names are those in the manifests; the node resolves a name without a registry to docker.io/elastometer/….
build() { docker build -q -f "$2" -t "docker.io/elastometer/$1:$VERSION" .; }
build operator operator/Dockerfile
build loadgen loadgen/Dockerfile
build standin lab/standin/Dockerfile
for image in operator loadgen standin; do
  kind load docker-image --name "$CLUSTER_NAME" "docker.io/elastometer/$image:$VERSION"
done

# DNS and a default storage class come with kind.
kube apply -f manifests/stack/prometheus/
kube apply -f manifests/stack/metrics-server/
kube apply -f manifests/stack/metrics-adapter/rules.yaml -f manifests/stack/metrics-adapter/api.yaml \
  -f manifests/stack/prometheus-adapter/
if [ "$keda" = yes ]; then
  kube apply --server-side --force-conflicts \
    -f "https://github.com/kedacore/keda/releases/download/v$KEDA_VERSION/keda-$KEDA_VERSION.yaml"
  kube -n keda rollout status deployment/keda-operator --timeout=180s
  kube -n keda rollout status deployment/keda-metrics-apiserver --timeout=180s
fi

# Fake devices: the scheduler counts them, the stand-in does not use them.
for node in $(kube get nodes -o name); do
  kube patch "$node" --subresource=status --type=json -p "[
    {\"op\": \"add\", \"path\": \"/status/capacity/nvidia.com~1gpu\", \"value\": \"$GPUS\"},
    {\"op\": \"add\", \"path\": \"/status/allocatable/nvidia.com~1gpu\", \"value\": \"$GPUS\"}]"
done

kube -n monitoring rollout status deployment --timeout=180s
if [ "$operator" = yes ]; then
  helm --kube-context "$CONTEXT" upgrade --install elastometer charts/elastometer \
    --namespace elastometer --create-namespace --wait --timeout 180s
fi

echo "ready: elastometer run manifests/samples/demo.yaml --context $CONTEXT -n default"
