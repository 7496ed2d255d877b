#!/usr/bin/env bash
# cluster.sh IMAGE: makes the cluster, of that node image or, where it is
# empty, of kind's own; then has the kubelets' serving certificates approved.
# What is left of a cluster that is broken or half made goes first.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

rm -f "$cluster_stamp" "$KUBECONFIG"
kubeconfig=$build/kubeconfig.new
rm -f "$kubeconfig"*
kind delete cluster --quiet --name "$cluster" --kubeconfig "$kubeconfig"
# Left by a failure, the nodes can be looked at until the next run.
kind create cluster --quiet --retain --name "$cluster" \
  --config "$root/kind-config.yaml" ${1:+--image "$1"} --kubeconfig "$kubeconfig"
export KUBECONFIG=$kubeconfig
kubelet-serving-approver
mv "$kubeconfig" "$root/build/kubeconfig"
cluster_state >"$cluster_stamp.new"
mv "$cluster_stamp.new" "$cluster_stamp"
# Node images that a newer one of this name has replaced.
docker image prune --force --filter "label=$cluster=node" >/dev/null
