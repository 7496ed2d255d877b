# shellcheck shell=bash disable=SC2034
# What the scripts of the test cluster share: where things are, which version
# is wanted, and how a step tells what it does. Sourced, never run
# (SC2034: what seems unused here is used there).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
here=$root/test/cluster
build=$root/build/cluster
cluster=kubectl-certs

mkdir -p "$build"
export KUBECONFIG=$root/build/kubeconfig

# The versions are those of go.mod; another Kubernetes is one variable, and
# what is built of it goes to a folder of its own.
if [[ -n ${KUBERNETES_VERSION:-} ]]; then
  version=v${KUBERNETES_VERSION#v}
else
  version=$(cd "$here" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
fi
out=$build/$version
bin=$out/bin
modfile=$here/go.mod
grep -qwF "k8s.io/kubernetes $version" "$modfile" || modfile=$out/go.mod
mkdir -p "$bin"
export KUBERNETES_VERSION=$version PATH=$bin:$PATH

minor=${version#v1.}
kubernetes_ldflags="-s -w
  -X k8s.io/component-base/version.gitVersion=$version
  -X k8s.io/component-base/version.gitMajor=1
  -X k8s.io/component-base/version.gitMinor=${minor%%.*}"

# The root of a node is the Debian that this machine has.
suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || true
root_tar=$build/root-$suite.tar

# The private daemon's sockets lie under /run: the path of a unix socket is
# limited to 107 bytes, and a clone may lie deep. Its data is below build/.
run=/run/$cluster-$(printf %s "$root" | sha256sum | cut -c1-8)
docker_dir=$root/build/docker
use_private_docker() {
  if [[ -d $run ]]; then
    export DOCKER_HOST=unix://$run/docker.sock
  fi
}
use_private_docker

say() {
  printf 'cluster: %s\n' "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# lock has the runs of one checkout wait for each other; also for what a killed
# one left at work, since that has the lock file open as well.
lock() {
  exec 9>"$build/lock"
  flock --nonblock 9 && return
  say "another run is at work: waiting for it"
  flock 9
}

# step NAME ARGS... runs the step and tells the time it took.
step() {
  local name=$1 start=$SECONDS
  shift
  "$here/steps/$name.sh" "$@" || die "step $name failed after $((SECONDS - start)) s"
  say "step $name: $((SECONDS - start)) s"
}

# fresh OUTPUT INPUT...: OUTPUT is there, and newer than every INPUT.
fresh() {
  local output=$1 input
  shift
  for input; do
    [[ $output -nt $input ]] || return 1
  done
}

# node_image_there: the node image made here is in Docker and up to date.
node_image_there() {
  fresh "$out/node-image" "$here"/{steps/root.sh,steps/node-image.sh,images/main.go,pause/main.go,node/*} "$modfile" &&
    docker image inspect "$(cat "$out/node-image")" >/dev/null 2>&1
}

# nodes lists the cluster's containers that run.
nodes() {
  docker ps --quiet --no-trunc --filter "label=io.x-k8s.kind.cluster=$cluster"
}

# cluster_state tells one cluster, and what was asked for, from another.
cluster_stamp=$build/cluster.stamp
cluster_state() {
  echo "$version ${KIND_NODE_IMAGE:-}"
  nodes | sort
}

# cluster_there: the cluster is the one asked for, whole, and every part of it
# answers: the API server, the nodes, and each kubelet with its certificate.
cluster_there() {
  fresh "$cluster_stamp" "$root/kind-config.yaml" "$here"/{go.mod,go.sum,steps/*.sh,*/main.go,node/*} &&
    [[ $(cluster_state 2>/dev/null) == "$(cat "$cluster_stamp")" ]] &&
    kubelet-serving-approver -timeout 10s
}

# public_node_image names the one that kind pins for its own version.
public_node_image() {
  if [[ $modfile == "$here/go.mod" ]]; then
    sed -n 's/^const Image = "\(.*\)"/\1/p' \
      "$(cd "$here" && go list -m -f '{{.Dir}}' sigs.k8s.io/kind)/pkg/apis/config/defaults/image.go"
  else
    echo "kindest/node:$version"
  fi
}

root_on_debian() {
  [[ $EUID == 0 && -e /etc/debian_version ]] && command -v apt-get >/dev/null
}

# need COMMAND PACKAGE: installs what has the command, where that is for this
# script to do: as root on Debian (a CI machine). A person's machine is theirs.
need() {
  command -v "$1" >/dev/null && return
  root_on_debian || die "$1 is missing: please install it ($2 on Debian)"
  apt_update
  say "installing $2"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$2" >"$build/apt.log" 2>&1 ||
    die "could not install $2: see $build/apt.log"
}

# apt_update need not succeed: sources other than Debian's may fail.
apt_update() {
  say "fetching the package lists"
  apt-get update -qq >"$build/apt.log" 2>&1 || true
}

# debian_sources lists this machine's own Debian sources, one a line.
debian_sources() {
  # shellcheck disable=SC2016 # the $(...) are apt's
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian'
}

# go_build OUTPUT ARGS... builds for the nodes and this host, and puts what
# came of it into $bin once all of it is there.
go_build() {
  local output=$1 new=$out/new
  shift
  rm -rf "$new"
  mkdir "$new"
  (cd "$here" && CGO_ENABLED=0 go build -modfile="$modfile" -trimpath -o "$new/$output" "$@")
  mv "$new"/* "$bin/"
  rmdir "$new"
}
