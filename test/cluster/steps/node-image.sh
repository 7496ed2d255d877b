#!/usr/bin/env bash
# Makes the node image: the root, kind's own node files as the kind module has
# them, Kubernetes, and the images that kubeadm wants in containerd's store.
# All in memory and in namespaces of its own, so that nothing is left when it
# is killed; Docker gets the finished tree as one layer.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

if [[ ${1:-} != inside ]]; then
  ! node_image_there || exit 0
  mkdir -p "$build/memory"
  exec unshare --mount --pid --fork --kill-child "$0" inside
fi

mount -t tmpfs none "$build/memory"
tree=$build/memory/root
mkdir "$tree"
tar --extract --file "$root_tar" --directory "$tree"
rm -rf "$tree"/usr/share/{doc,locale,man}
mount -t proc none "$tree/proc"

# From here on as in kind's images/base/Dockerfile. The module cache is read
# only, and has no modes.
files=$(cd "$here" && go list -modfile="$modfile" -m -f '{{.Dir}}' sigs.k8s.io/kind)/images/base/files
cp -r --no-preserve=mode "$files"/{etc,kind,usr} "$tree/"
chmod 755 "$tree"/usr/local/bin/* "$tree"/kind/bin/*
find "$tree"/{etc,usr/lib}/systemd/system -path '*/sysinit.target.wants/systemd-tmpfiles-setup.service' -delete
rm -f "$tree"/etc/systemd/system/*.wants/* \
  "$tree"/usr/lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* \
  "$tree"/usr/lib/systemd/system/sockets.target.wants/*{udev,initctl}*
echo ReadKMsg=no >>"$tree/etc/systemd/journald.conf"
chroot "$tree" systemctl --quiet enable kubelet.service containerd.service undo-mount-hacks.service
chroot "$tree" systemctl --quiet mask systemd-binfmt.service
chroot "$tree" ctr oci spec |
  chroot "$tree" jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    >"$tree/etc/containerd/cri-base.json"
mkdir -p "$tree"/etc/kubernetes/manifests "$tree"/etc/cni/net.d "$tree"/kind/manifests "$tree"/opt/cni/bin

# What Debian has elsewhere than kind.
ln -s /usr/bin/containerd "$tree/usr/local/bin/containerd"
mv "$tree"/usr/lib/cni/{bridge,host-local,loopback,portmap,ptp} "$tree/opt/cni/bin/"
rm -r "$tree/usr/lib/cni"

# What a machine without CAP_SYS_RESOURCE cannot do: lower an OOM score.
sed -i '/^OOMScoreAdjust/d' "$tree/etc/systemd/system/containerd.service"
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$tree/etc/containerd/config.toml"
# Since 1.35 the kubelet has to be told that version 1 of cgroups will do.
if [[ ! -e /sys/fs/cgroup/cgroup.controllers ]]; then
  sed -i 's/^KUBELET_EXTRA_ARGS=/&--fail-cgroupv1=false /' "$tree/etc/default/kubelet"
fi

cp "$here/node/10-bridge.conflist" "$tree/etc/cni/net.d/"
cp "$here"/node/default-*.yaml "$tree/kind/manifests/"
cp "$bin"/{kubeadm,kubectl,kubelet} "$tree/usr/bin/"
echo "$version" >"$tree/kind/version"

# The images: those of kubeadm, and the pause that containerd's config names.
# CoreDNS is left out; kind-config.yaml disables it.
mapfile -t images < <("$bin/kubeadm" config images list --kubernetes-version "$version" | grep -v /coredns)
images+=("$(sed -n 's/^ *sandbox_image = "\(.*\)"/\1/p' "$tree/etc/containerd/config.toml")")
etcd=$(cd "$here" && go list -modfile="$modfile" -m -f '{{.Version}}' go.etcd.io/etcd/server/v3)
[[ ${images[*]} == *"/etcd:${etcd#v}-"* ]] || die "kubeadm wants another etcd than $etcd: ${images[*]}"
chroot "$tree" containerd --log-level error &
containerd=$!
until [[ -S $tree/run/containerd/containerd.sock ]]; do
  kill -0 $containerd 2>/dev/null || die 'containerd did not start'
  sleep 0.05
done
(cd "$here" && go run ./images "$bin" "$tree" "${images[@]}") |
  chroot "$tree" ctr --namespace k8s.io images import --all-platforms --no-unpack --digests -
kill $containerd
wait $containerd || true
umount "$tree/proc"
rm -rf "${tree:?}"/run/*

tar --create --directory "$tree" . | docker import --message "$version" \
  --change 'ENV container=docker' \
  --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' \
  --change "LABEL $cluster=node" \
  - "$cluster/node:$version" >"$out/node-image.new"
mv "$out/node-image.new" "$out/node-image"
