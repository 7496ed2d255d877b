#!/usr/bin/env bash
# Builds the host's tools: kubectl, kind, krew with its manifest checker, and
# the approver of serving certificates.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

for tool in kubectl kind krew validate-krew-manifest kubelet-serving-approver; do
  fresh "$bin/$tool" "$modfile" "$here/kubelet-serving-approver/main.go" || missing=1
done
if [[ -n ${missing:-} ]]; then
  go_build . -ldflags "$kubernetes_ldflags" ./kubelet-serving-approver \
    k8s.io/kubernetes/cmd/kubectl sigs.k8s.io/kind \
    sigs.k8s.io/krew/cmd/krew sigs.k8s.io/krew/cmd/validate-krew-manifest
fi
# The folder that `env` puts on the PATH is the one of the version built last.
ln -sfn "$version/bin" "$build/bin.new"
mv -T "$build/bin.new" "$build/bin"
