#!/usr/bin/env bash
# Builds Kubernetes and the etcd it wants: what a node image is made of. With
# an empty Go cache kube-apiserver alone compiles for 8 minutes on 2 cores.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

kubernetes=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm)
for name in "${kubernetes[@]}"; do
  fresh "$bin/$name" "$modfile" || missing=1
done
if [[ -n ${missing:-} ]]; then
  go_build . -ldflags "$kubernetes_ldflags" "${kubernetes[@]/#/k8s.io/kubernetes/cmd/}"
fi
fresh "$bin/etcd" "$modfile" || go_build etcd -ldflags '-s -w' go.etcd.io/etcd/server/v3
fresh "$bin/pause" "$modfile" "$here/pause/main.go" || go_build pause -ldflags '-s -w' ./pause
