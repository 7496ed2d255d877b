#!/usr/bin/env bash
# Makes sure that a Docker answers: the one that runs, or else a private one
# of this checkout (root on Debian, that is a CI machine). The private daemon
# lives below build/docker and /run, and is stopped by `down`; one that was
# killed is started again here.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

answers() {
  docker version >/dev/null 2>&1
}

! answers || exit 0
if ! root_on_debian; then
  die "no Docker answers: please install and start Docker, and try again"
fi
need dockerd docker.io
need docker docker-cli # a package of its own in later Debians
! answers || exit 0    # the package may have started one

mkdir -p "$docker_dir" "$run"
runtime=
# Bit 24 of the bounding set is CAP_SYS_RESOURCE: see runc/main.go.
if ! ((0x$(sed -n 's/^CapBnd:\s*//p' /proc/self/status) >> 24 & 1)); then
  (cd "$here" && CGO_ENABLED=0 go build -trimpath -o "$docker_dir/runc" ./runc)
  runtime='
  "runtimes": {"lessened": {"path": "'$docker_dir'/runc"}},
  "default-runtime": "lessened",'
fi
# live-restore: containers outlive a daemon that was killed. No bridge of its
# own: kind makes a network, and nothing else is run here.
cat >"$docker_dir/daemon.json" <<EOF
{$runtime
  "data-root": "$docker_dir/data",
  "exec-root": "$run/exec",
  "pidfile": "$run/docker.pid",
  "hosts": ["unix://$run/docker.sock"],
  "bridge": "none",
  "live-restore": true
}
EOF
# A killed daemon leaves its pid file, and the number may be another's by now.
rm -f "$run/docker.pid"
# Not to inherit: the lock of `up`, which would then be held for ever.
setsid dockerd --config-file "$docker_dir/daemon.json" </dev/null >"$docker_dir/dockerd.log" 2>&1 9>&- &
daemon=$!
export DOCKER_HOST=unix://$run/docker.sock
until answers; do
  kill -0 "$daemon" 2>/dev/null || die "the private Docker daemon ended: see $docker_dir/dockerd.log"
  sleep 0.1
done
say "started a private Docker daemon ($DOCKER_HOST)"
