//go:build e2e

// Package e2e holds what is promised to users against a real cluster: real
// kubectl runs the plugin as a person would, openssl judges the certificates,
// and effects are checked rather than exit codes. Run it by `make e2e`.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// controlPlane is the container that kind runs the control plane in.
const controlPlane = "kubectl-certs-control-plane"

// patience bounds every wait for the cluster.
const patience = 60 * time.Second

// admin is a client for the cluster with all rights, to arrange and to look.
func admin(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatalf("the cluster's kubeconfig: %v (run make e2e)", err)
	}
	config.QPS = -1
	return kubernetes.NewForConfigOrDie(config)
}

func adminKubeconfig(t *testing.T) string {
	t.Helper()
	path := os.Getenv("KUBECONFIG")
	if path == "" {
		t.Fatal("KUBECONFIG is not set: run make e2e")
	}
	return path
}

// person is somebody at a terminal: a home, a working directory, a kubeconfig.
type person struct {
	t          *testing.T
	home       string
	kubeconfig string
}

// newPerson returns a person who uses kubeconfig, and starts in an empty home.
func newPerson(t *testing.T, kubeconfig string) *person {
	t.Helper()
	return &person{t: t, home: t.TempDir(), kubeconfig: kubeconfig}
}

// result is what a command left on the terminal.
type result struct {
	stdout, stderr string
	code           int
}

// command prepares a command as the person would type it. kubectl finds the
// plugin on PATH.
func (p *person) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	p.t.Helper()
	build, err := filepath.Abs("../../build")
	if err != nil {
		p.t.Fatal(err)
	}
	path := build + string(os.PathListSeparator) + os.Getenv("PATH")
	cmd := exec.CommandContext(ctx, lookPath(p.t, path, name), args...)
	cmd.Dir = p.home
	cmd.Env = []string{"PATH=" + path, "HOME=" + p.home, "KUBECONFIG=" + p.kubeconfig}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func lookPath(t *testing.T, path, name string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, name); isExecutable(file) {
			return file
		}
	}
	t.Fatalf("%s is not on PATH", name)
	return ""
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// run runs a command to its end.
func (p *person) run(name string, args ...string) result {
	p.t.Helper()
	// Clean-up runs commands too, when the test's own context has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), patience)
	defer cancel()
	cmd := p.command(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// certs runs `kubectl certs` with args.
func (p *person) certs(args ...string) result {
	p.t.Helper()
	return p.run("kubectl", append([]string{"certs"}, args...)...)
}

// must runs a command that has to succeed and returns its standard output.
func (p *person) must(name string, args ...string) string {
	p.t.Helper()
	r := p.run(name, args...)
	if r.code != 0 {
		p.t.Fatalf("%s %s: exit %d\n%s%s", name, strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// using returns the same person with another kubeconfig, in the same home.
func (p *person) using(kubeconfig string) *person {
	other := *p
	other.kubeconfig = kubeconfig
	return &other
}

// path is a file in the person's home.
func (p *person) path(name string) string {
	return filepath.Join(p.home, name)
}

// files lists the person's home, so that leftovers show. kubectl's own cache
// does not count.
func (p *person) files() []string {
	p.t.Helper()
	entries, err := os.ReadDir(p.home)
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".kube" {
			names = append(names, e.Name())
		}
	}
	return names
}

// running is a command that has not ended.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr transcript
	done   chan error
}

// transcript is what a running command has said so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // has an element when something was added
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start runs `kubectl certs` in the background.
func (p *person) start(args ...string) *running {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), slowly)
	p.t.Cleanup(cancel)
	r := &running{
		t: p.t, cmd: p.command(ctx, "kubectl", append([]string{"certs"}, args...)...),
		stderr: transcript{more: make(chan struct{}, 1)}, done: make(chan error, 1),
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { r.done <- r.cmd.Wait() }()
	return r
}

// says waits until the command has said text on standard error.
func (r *running) says(text string) {
	r.t.Helper()
	for !strings.Contains(r.stderr.String(), text) {
		select {
		case <-r.stderr.more:
		case <-r.done:
			r.t.Fatalf("it ended without saying %q:\n%s", text, r.stderr.String())
		}
	}
}

// end waits for the command.
func (r *running) end() result {
	r.t.Helper()
	<-r.done
	return result{r.stdout.String(), r.stderr.String(), r.cmd.ProcessState.ExitCode()}
}

// requestFor waits for the pending request whose name begins with prefix.
func requestFor(t *testing.T, prefix string) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// A watch without a resourceVersion begins with what is there.
	events, err := admin(t).CertificatesV1().CertificateSigningRequests().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		request, ok := event.Object.(*certificatesv1.CertificateSigningRequest)
		if ok && event.Type == watch.Added && strings.HasPrefix(request.Name, prefix) && len(request.Status.Conditions) == 0 {
			return request
		}
	}
	t.Fatalf("no request %s… was made within %s", prefix, patience)
	return nil
}

// ours lists the requests that the program made for a user and that are still
// there.
func ours(t *testing.T, prefix string) []string {
	t.Helper()
	list, err := admin(t).CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/managed-by=kubectl-certs",
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range list.Items {
		if strings.HasPrefix(item.Name, prefix) {
			names = append(names, item.Name)
		}
	}
	return names
}

// onControlPlane runs a command on the control-plane node and returns its output.
func onControlPlane(t *testing.T, command ...string) string {
	t.Helper()
	return onNode(t, controlPlane, command...)
}

// wantFailure checks the form that every failure has: exit 1, one sentence
// that says sentence, a hint that says advice ("" for no hint), nothing on standard output and
// no trace of the program's insides.
func wantFailure(t *testing.T, r result, sentence, advice string) {
	t.Helper()
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	var errs, hints []string
	for _, line := range strings.Split(strings.TrimSpace(r.stderr), "\n") {
		if text, ok := strings.CutPrefix(line, "error: "); ok {
			errs = append(errs, text)
		}
		if text, ok := strings.CutPrefix(line, "hint: "); ok {
			hints = append(hints, text)
		}
	}
	if len(errs) != 1 || !strings.Contains(errs[0], sentence) {
		t.Errorf("want one error that says %q, got %q", sentence, errs)
	}
	if advice == "" {
		advice, hints = "none", append(hints, "none")
	}
	if len(hints) != 1 || !strings.Contains(hints[0], advice) {
		t.Errorf("want one hint that says %q, got %q", advice, hints)
	}
	for _, insides := range []string{"goroutine", "panic", ".go:"} {
		if strings.Contains(r.stderr, insides) {
			t.Errorf("standard error holds %q:\n%s", insides, r.stderr)
		}
	}
	if t.Failed() {
		t.Logf("standard error:\n%s", r.stderr)
	}
}
