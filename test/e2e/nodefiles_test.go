//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/nodepod"
)

// image is this program's, as the nodes have it.
const image = "kubectl-certs/kubectl-certs:e2e"

// loadImage builds the image and gives it to the nodes, which cannot pull it
// from anywhere.
var loadImage = sync.OnceValue(func() error {
	if out, err := exec.Command("make", "-C", "../..", "image", "IMAGE="+image).CombinedOutput(); err != nil {
		return failure{"building the image", out, err}
	}
	for _, node := range nodeNames {
		save := exec.Command("docker", "save", image)
		load := exec.Command("docker", "exec", "-i", node, "ctr", "--namespace", "k8s.io", "images", "import", "--all-platforms", "-")
		archive, err := save.StdoutPipe()
		if err != nil {
			return err
		}
		load.Stdin = archive
		if err := save.Start(); err != nil {
			return err
		}
		if out, err := load.CombinedOutput(); err != nil {
			return failure{"loading the image into " + node, out, err}
		}
		if err := save.Wait(); err != nil {
			return err
		}
	}
	return nil
})

type failure struct {
	doing string
	out   []byte
	err   error
}

func (f failure) Error() string { return f.doing + ": " + f.err.Error() + "\n" + string(f.out) }

// onNodes has the flags that read the nodes' files, and the sources that they
// belong together with.
func onNodes(t *testing.T, more ...string) []string {
	t.Helper()
	if err := loadImage(); err != nil {
		t.Fatal(err)
	}
	return append([]string{"--node-files", "--image", image, "--sources", "endpoint,trust,kubelets,control-plane"}, more...)
}

// podsOfOurs lists the pods that are there for reading files.
func podsOfOurs(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := admin(t).CoreV1().Pods("").List(context.WithoutCancel(t.Context()), metav1.ListOptions{LabelSelector: nodepod.Selector})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func noPodIsLeft(t *testing.T) {
	t.Helper()
	for _, pod := range podsOfOurs(t) {
		t.Errorf("pod %s/%s of %s is left (%s)", pod.Namespace, pod.Name, pod.Spec.NodeName, pod.Status.Phase)
	}
}

// podsUntil waits until ok of the pods that are there.
func podsUntil(t *testing.T, ok func([]corev1.Pod) bool) []corev1.Pod {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		pods := podsOfOurs(t)
		if ok(pods) {
			return pods
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("after %s there are %d pods", patience, len(pods))
		}
	}
}

func onePodANode(pods []corev1.Pod) bool { return len(pods) == len(nodeNames) }

// Every certificate that leaves its node in no other way is found, on the node
// where it is, and is what lies there; a healthy cluster still has no warning.
func TestNodeFiles(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	inv, r := p.inspect(0, onNodes(t)...)
	noPodIsLeft(t)
	isHealthy(t, inv)
	for _, node := range nodeNames {
		holdsNoKey(t, r.stdout+r.stderr, nodeSecrets(t, node))
	}
	dates := kubeadmDates(t)
	for _, row := range kubeadmRows {
		e := entry(t, inv, row.ours)
		if !e.NotAfter.Equal(dates[row.theirs]) {
			t.Errorf("%s expires %s, kubeadm says %s", row.ours, e.NotAfter, dates[row.theirs])
		}
		agreesWithOpenSSL(t, newPerson(t, ""), e, certificateIn(t, controlPlane, row.file))
		if !slices.Contains(e.Locations, inventory.Location{Source: "node-files", Where: controlPlane + ":" + row.file}) {
			t.Errorf("%s was seen at %+v", row.ours, e.Locations)
		}
		if !strings.HasSuffix(row.ours, "ca") && e.Node != controlPlane {
			t.Errorf("%s is of node %q", row.ours, e.Node)
		}
	}
	for _, name := range []string{"kubelet-client", "kubelet-server"} {
		found := onEach(inv, name)
		for _, node := range nodeNames {
			agreesWithOpenSSL(t, newPerson(t, ""), found[node], certificateIn(t, node, "/var/lib/kubelet/pki/"+name+"-current.pem"))
		}
	}
}

// One node alone, and a node that there is none of.
func TestNodeFilesOfOneNode(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	args := onNodes(t, "--node-files=kubectl-certs-worker,nonsuch")
	inv, _ := p.inspect(0, args[1:]...)
	if found := onEach(inv, "kubelet-client"); len(found) != 1 || found["kubectl-certs-worker"].Name == "" {
		t.Errorf("kubelets of %+v", found)
	}
	if len(inv.Skipped) != 1 || inv.Skipped[0].Where != "nonsuch" || inv.Skipped[0].Reason != "no such node" {
		t.Errorf("skipped %+v", inv.Skipped)
	}
	noPodIsLeft(t)
}

func TestNodeFilesLeaveNothingAfterCtrlC(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	r := p.start(append([]string{"inspect"}, onNodes(t)...)...)
	podsUntil(t, onePodANode)
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, r.end(), "interrupted", "no objects left in the cluster")
	noPodIsLeft(t)
}

// A run that was killed leaves its pods, which have certificates to tell and
// nothing else; the next one removes them.
func TestNodeFilesOfAKilledRun(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	r := p.start(append([]string{"inspect"}, onNodes(t)...)...)
	podsUntil(t, onePodANode)
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.end()
	pods := podsUntil(t, func(pods []corev1.Pod) bool {
		return onePodANode(pods) && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return pod.Status.Phase != corev1.PodSucceeded })
	})
	for _, pod := range pods {
		node := pod.Spec.NodeName
		log := p.must("kubectl", "logs", "--namespace", pod.Namespace, pod.Name)
		holdsNoKey(t, log, nodeSecrets(t, node))
		if !strings.Contains(log, `"row":"kubelet-client"`) || !strings.Contains(log, `"end":`) {
			t.Errorf("the pod of %s tells nothing:\n%s", node, log)
		}
		isConfined(t, pod)
	}
	// Not at once: a run that is still at work removes its own.
	deadline := time.Now().Add(patience)
	for len(podsOfOurs(t)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d pods are left", len(podsOfOurs(t)))
		}
		p.inspect(0, onNodes(t, "--node-files=kubectl-certs-worker")[1:]...)
	}
}

// isConfined checks what keeps the pod from doing anything but reading.
func isConfined(t *testing.T, pod corev1.Pod) {
	t.Helper()
	spec, container := pod.Spec, pod.Spec.Containers[0]
	if spec.HostNetwork || spec.HostPID || spec.HostIPC || *spec.AutomountServiceAccountToken || *spec.EnableServiceLinks || spec.DNSPolicy != corev1.DNSNone ||
		container.Resources.Limits.Memory().IsZero() || spec.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || spec.ActiveDeadlineSeconds == nil ||
		*container.SecurityContext.AllowPrivilegeEscalation || !*container.SecurityContext.ReadOnlyRootFilesystem ||
		!slices.Equal(container.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(container.SecurityContext.Capabilities.Add) > 0 {
		t.Errorf("%+v", spec)
	}
	for _, mount := range container.VolumeMounts {
		if !mount.ReadOnly {
			t.Errorf("%s can be written to", mount.MountPath)
		}
	}
}

// skips returns what node-files skipped, by place.
func skips(inv inventory.Inventory) map[string]inventory.Skip {
	found := map[string]inventory.Skip{}
	for _, s := range inv.Skipped {
		if s.Source == "node-files" {
			found[s.Where] = s
		}
	}
	return found
}

// What keeps the files from being read is said, with what would help, and
// nothing else suffers from it.
func TestNodeFilesRefused(t *testing.T) {
	const restricted = "e2e-files-restricted"
	namespaces := admin(t).CoreV1().Namespaces()
	if _, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: restricted,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := namespaces.Delete(context.WithoutCancel(t.Context()), restricted, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name, where, reason, hint string
		args                      []string
	}{
		{"no permission", "nodes", "forbidden: you may not create pods, get pods, delete pods, get pods/log in namespace kube-system", "ask an administrator", []string{"--as", "e2e-files"}},
		{"a namespace that forbids it", controlPlane, "namespace " + restricted + " does not allow pods to read the node's files (PodSecurity admission)", "--namespace", []string{"--namespace", restricted}},
		{"no such namespace", controlPlane, "there is no namespace e2e-files-none", "--namespace", []string{"--namespace", "e2e-files-none"}},
		{"an image that is nowhere", controlPlane, "the node cannot pull image kubectl-certs/nonsuch:v0", "--image", []string{"--image", "kubectl-certs/nonsuch:v0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPerson(t, adminKubeconfig(t))
			// It did not do what was asked.
			inv, _ := p.inspect(1, onNodes(t, tt.args...)...)
			got := skips(inv)[tt.where]
			if !strings.Contains(got.Reason, tt.reason) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("skipped %+v", inv.Skipped)
			}
			if len(onEach(inv, "kubelet-server")) != len(nodeNames) && tt.name != "no permission" {
				t.Error("the kubelets were not seen")
			}
			noPodIsLeft(t)
		})
	}
}

// A directory that a node does not have is left out; it is not made.
func TestNodeFilesWithoutADirectory(t *testing.T) {
	if err := loadImage(); err != nil {
		t.Fatal(err)
	}
	const node, conf, none = "kubectl-certs-worker", "/etc/kubernetes", "/etc/e2e-files-none"
	r := &nodepod.Runner{
		Client: admin(t), Namespace: "kube-system", Image: image, Command: []string{"/kubectl-certs", "read-files"},
		Allowed: func(_ context.Context, acts []authorizationv1.ResourceAttributes) ([]bool, error) {
			return slices.Repeat([]bool{true}, len(acts)), nil
		},
	}
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	output, missing, err := r.Read(t.Context(), node, []string{conf, none})
	if err != nil || !slices.Equal(missing, []string{none}) || !strings.Contains(string(output), conf+"/pki/ca.crt") {
		t.Errorf("missing %q, %v, printed %s", missing, err, output)
	}
	if got := onNode(t, node, "sh", "-c", "ls -d "+none+" 2>/dev/null || echo none"); got != "none\n" {
		t.Errorf("on the node there is %s", got)
	}
	noPodIsLeft(t)
}

// onNodeWith runs a command on a node that reads input.
func onNodeWith(t *testing.T, node string, input []byte, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", append([]string{"exec", "-i", node}, command...)...)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("on %s: %s: %v\n%s", node, strings.Join(command, " "), err, out)
	}
}
