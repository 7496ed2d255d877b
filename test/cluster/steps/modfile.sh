#!/usr/bin/env bash
# Makes the go.mod for a Kubernetes other than the one in test/cluster/go.mod:
# that file with the version of Kubernetes, of its k8s.io modules and of the
# etcd that its kubeadm asks for changed, below build/.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

[[ $modfile != "$here/go.mod" ]] || exit 0
! fresh "$modfile" "$here/go.mod" "$here/go.sum" "$0" || exit 0

# Only what is asked for by name stays: the rest follows from it, and an older
# Kubernetes wants older modules.
next=$out/next.mod
rm -f "$out"/next.{mod,sum}
cp "$here/go.sum" "$out/next.sum"
awk '/^require \(|^replace \(/ {skip = 1} !skip {print} /^\)/ {skip = 0}' "$here/go.mod" >"$next"
module() { # module MODULE FIELD
  (cd "$here" && go mod download -json "$1") | sed -n "s/^\t\"$2\": \"\(.*\)\",\?$/\1/p"
}
gomod=$(module "k8s.io/kubernetes@$version" GoMod)
dir=$(module "k8s.io/kubernetes@$version" Dir)
etcd=$(sed -n 's/.*DefaultEtcdVersion = "\(.*\)-[^-]*"$/v\1/p' "$dir/cmd/kubeadm/app/constants/constants.go")
edits=(-require="k8s.io/kubernetes@$version" -require="go.etcd.io/etcd/server/v3@$etcd")
for tool in sigs.k8s.io/kind sigs.k8s.io/krew; do
  edits+=(-require="$tool@$(cd "$here" && go list -m -f '{{.Version}}' "$tool")")
done
while read -r name _ directory; do
  [[ $directory != ./staging/* ]] || edits+=(-replace="$name=$name@v0.${version#v1.}")
done <"$gomod"
# Older ones import packages that the newest version of a module lacks: what they
# ask for is asked for.
while read -r name of; do
  [[ $of == v0.0.0 ]] || edits+=(-require="$name@$of")
done < <(sed -n '/^require (/,/^)/ s/^\t\([^ ]*\) \(v[^ ]*\).*/\1 \2/p' "$gomod")
go mod edit "${edits[@]}" "$next"
(cd "$here" && go mod tidy -modfile="$next")
mv "$out/next.sum" "$out/go.sum"
mv "$next" "$modfile"
