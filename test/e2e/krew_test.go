//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// What a release packages passes krew's own check, is installed by real krew,
// and runs as `kubectl certs`.
func TestKrewInstallsWhatIsPackaged(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	packaging := exec.CommandContext(t.Context(), "../../plugins/package", "v0.0.1", platform)
	if out, err := packaging.CombinedOutput(); err != nil {
		t.Fatalf("plugins/package: %v\n%s", err, out)
	}
	dist, err := filepath.Abs("../../build/dist")
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dist, "certs.yaml")
	archive := filepath.Join(dist, "kubectl-certs_"+strings.ReplaceAll(platform, "/", "_")+".tar.gz")

	p := newPerson(t, adminKubeconfig(t))
	p.must("validate-krew-manifest", "-manifest", manifest, "-skip-install")
	krew := func(args ...string) *exec.Cmd {
		cmd := p.command(t.Context(), "krew", args...)
		cmd.Env = append(cmd.Env, "KREW_ROOT="+p.path("krew"), "KREW_NO_UPGRADE_CHECK=1")
		return cmd
	}
	if out, err := krew("install", "--manifest", manifest, "--archive", archive).CombinedOutput(); err != nil {
		t.Fatalf("krew install: %v\n%s", err, out)
	}
	if _, err := os.Stat(p.path("krew/receipts/certs.yaml")); err != nil {
		t.Errorf("krew keeps no receipt: %v", err)
	}
	// krew's directory alone on PATH, so that no other build can answer.
	run := p.command(t.Context(), "kubectl", "certs", "version")
	run.Env = []string{"PATH=" + p.path("krew/bin"), "HOME=" + p.home}
	if out, err := run.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "kubectl-certs v0.0.1 ") {
		t.Errorf("kubectl certs version: %v\n%s", err, out)
	}
}
