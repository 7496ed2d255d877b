#!/usr/bin/env bash
# Makes the node's root: the Debian of this machine, with what kind and the
# kubelet need (kind's images/base/Dockerfile has its own list, with reasons).
# Made in memory: dpkg syncs every file to disk, and what is killed leaves
# nothing behind.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

! fresh "$root_tar" "$0" || exit 0
need mmdebstrap mmdebstrap
packages=(
  systemd systemd-sysv                            # runs the node
  containerd runc containernetworking-plugins     # runs the pods
  conntrack iptables nftables iproute2 kmod mount # kubelet and kube-proxy
  jq procps                                       # kind's own scripts
  usr-is-merged                                   # spares perl
)
[[ -n $(debian_sources) ]] || apt_update
memory=$build/memory
mkdir -p "$memory"
export memory
# shellcheck disable=SC2016 # for the inner shell to expand
debian_sources | unshare --mount bash -euc '
  mount -t tmpfs none "$memory"
  TMPDIR=$memory mmdebstrap --quiet --mode=root --format=tar --variant=essential \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "$@"
' root --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$root_tar.new" >"$build/root.log" 2>&1 ||
  die "mmdebstrap failed: see $build/root.log"
mv "$root_tar.new" "$root_tar"
