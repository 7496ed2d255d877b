// These tests promise that a pod may read what it is given and do nothing else,
// that whatever keeps it from doing so is said, and that none is left behind.
package nodepod_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/nodepod"
)

const (
	namespace = "kube-system"
	conf, pki = "/etc/kubernetes", "/var/lib/kubelet/pki"
)

// now is when every pod of the tests is made.
var now = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// cluster is an API server, and a kubelet which does to pods what it is told.
type cluster struct {
	*fake.Clientset
	kubelet func(*corev1.Pod)
	made    []*corev1.Pod
}

func newCluster(kubelet func(*corev1.Pod), objects ...runtime.Object) *cluster {
	c := &cluster{Clientset: fake.NewClientset(objects...), kubelet: kubelet}
	c.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		pod.UID, pod.CreationTimestamp = types.UID("uid-"+pod.Name), metav1.NewTime(now)
		c.made = append(c.made, pod.DeepCopy())
		c.kubelet(pod)
		return false, nil, nil
	})
	return c
}

func (c *cluster) runner() *nodepod.Runner {
	return &nodepod.Runner{Client: c.Clientset, Allowed: may(), Namespace: namespace, Image: "certs:v1", Command: []string{"/kubectl-certs", "read-files"}}
}

// may allows everything but what is listed, as "verb resource".
func may(not ...string) nodepod.Allowed {
	return func(_ context.Context, acts []authorizationv1.ResourceAttributes) ([]bool, error) {
		var answers []bool
		for _, a := range acts {
			answers = append(answers, !slices.Contains(not, strings.TrimSuffix(a.Verb+" "+a.Resource+"/"+a.Subresource, "/")))
		}
		return answers, nil
	}
}

// left lists the pods that are there.
func (c *cluster) left(t *testing.T) []string {
	t.Helper()
	list, err := c.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range list.Items {
		names = append(names, pod.Name)
	}
	return names
}

// What kubelets do.

func succeed(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }

func wait(reason, message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Phase = corev1.PodPending
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

func TestRead(t *testing.T) {
	c := newCluster(succeed)
	r := c.runner()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	output, missing, err := r.Read(t.Context(), "cp-1", []string{conf, pki})
	if string(output) != "fake logs" || len(missing) > 0 || err != nil {
		t.Errorf("got %q, %q, %v", output, missing, err)
	}
	if left := c.left(t); len(left) > 0 || r.Left() != nil {
		t.Errorf("left: %q, %v", left, r.Left())
	}
}

// The pod is on its node whatever would keep others away, reads as root with
// none of root's powers, has no token, no network of the node's, nothing to
// write to, makes no directory, and ends by itself.
func TestPod(t *testing.T) {
	c := newCluster(succeed)
	if _, _, err := c.runner().Read(t.Context(), "cp-1", []string{conf, pki}); err != nil {
		t.Fatal(err)
	}
	pod := c.made[0]
	spec, container := pod.Spec, pod.Spec.Containers[0]
	security := container.SecurityContext
	for promise, kept := range map[string]bool{
		"its node": spec.NodeName == "cp-1" && slices.ContainsFunc(spec.Tolerations, func(t corev1.Toleration) bool {
			return t.Key == "" && t.Operator == corev1.TolerationOpExists && t.Effect == ""
		}),
		"once":                  spec.RestartPolicy == corev1.RestartPolicyNever,
		"an end":                *spec.ActiveDeadlineSeconds == 120,
		"no token":              !*spec.AutomountServiceAccountToken,
		"nothing of the node's": !spec.HostNetwork && !spec.HostPID && !spec.HostIPC,
		"one container":         len(spec.Containers) == 1 && len(spec.InitContainers) == 0,
		"no privileges":         !*security.Privileged && !*security.AllowPrivilegeEscalation && slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) && security.Capabilities.Add == nil,
		"seccomp":               spec.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no names to ask":       spec.DNSPolicy == corev1.DNSNone && slices.Equal(spec.DNSConfig.Nameservers, []string{"127.0.0.1"}) && len(spec.DNSConfig.Searches) == 0,
		"no service's address":  !*spec.EnableServiceLinks,
		"bounds":                !container.Resources.Limits.Cpu().IsZero() && !container.Resources.Limits.Memory().IsZero(),
		"read only":             *security.ReadOnlyRootFilesystem,
		"image":                 container.Image == "certs:v1" && container.ImagePullPolicy == corev1.PullIfNotPresent,
		"command":               slices.Equal(container.Command, []string{"/kubectl-certs", "read-files", conf, pki}) && container.Env == nil,
		"labels":                pod.Labels["app.kubernetes.io/managed-by"] == "kubectl-certs" && len(pod.OwnerReferences) == 0,
	} {
		if !kept {
			t.Errorf("%s: %+v", promise, pod)
		}
	}
	for i, dir := range []string{conf, pki} {
		volume, mount := spec.Volumes[i], container.VolumeMounts[i]
		if volume.HostPath.Path != dir || *volume.HostPath.Type != corev1.HostPathDirectory || mount.MountPath != dir || !mount.ReadOnly || mount.Name != volume.Name {
			t.Errorf("%s: %+v at %+v", dir, volume, mount)
		}
	}
}

// A directory that is not there is left out, and told of.
func TestReadWithoutADirectory(t *testing.T) {
	var c *cluster
	c = newCluster(func(pod *corev1.Pod) {
		if len(pod.Spec.Volumes) == 1 {
			succeed(pod)
			return
		}
		wait("ContainerCreating", "")(pod)
		event := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: namespace, Name: "event-" + pod.Name},
			InvolvedObject: corev1.ObjectReference{Name: pod.Name, UID: pod.UID}, Reason: "FailedMount",
			Message: `MountVolume.SetUp failed for volume "dir-1" : hostPath type check failed: ` + pki + ` is not a directory`,
		}
		if err := c.Tracker().Add(event); err != nil {
			t.Error(err)
		}
	})
	r := c.runner()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	output, missing, err := r.Read(t.Context(), "cp-1", []string{conf, pki})
	if string(output) != "fake logs" || !slices.Equal(missing, []string{pki}) || err != nil {
		t.Errorf("got %q, %q, %v", output, missing, err)
	}
	if left := c.left(t); len(left) > 0 || len(c.made) != 2 {
		t.Errorf("left: %q of %d", left, len(c.made))
	}
}

// An interrupt, and a time-out, leave nothing behind.
func TestReadIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newCluster(wait("ContainerCreating", ""))
	c.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		cancel()
		return false, nil, nil
	})
	if _, _, err := c.runner().Read(ctx, "cp-1", []string{conf}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := c.left(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}

	late, cancelLate := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancelLate()
	c = newCluster(wait("ContainerCreating", ""))
	if _, _, err := c.runner().Read(late, "cp-1", []string{conf}); err == nil || err.Error() != "the pod did not start before the timeout: ContainerCreating" {
		t.Errorf("got %v", err)
	}
	if left := c.left(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// A pod that cannot be removed is named.
func TestLeft(t *testing.T) {
	c := newCluster(succeed)
	c.PrependReactor("delete", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
	r := c.runner()
	if _, _, err := r.Read(t.Context(), "cp-1", []string{conf}); err != nil {
		t.Fatal(err)
	}
	err := r.Left()
	if err == nil || !strings.Contains(err.Error(), c.made[0].Name) || !strings.Contains(hint.Of(err), "kubectl delete pods -n kube-system -l app.kubernetes.io/managed-by=kubectl-certs") {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
}

// What a killed run left is removed; what somebody else is about is not.
func TestLeftovers(t *testing.T) {
	old := func(name string, age time.Duration, phase corev1.PodPhase, ended time.Duration, labelled bool) runtime.Object {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(now.Add(-age))}}
		if labelled {
			pod.Labels = map[string]string{"app.kubernetes.io/managed-by": "kubectl-certs", "app.kubernetes.io/component": "node-files"}
		}
		pod.Status.Phase = phase
		if ended > 0 {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(now.Add(-ended))}}}}
		}
		return pod
	}
	objects := []runtime.Object{
		old("a-killed-runs", time.Minute, corev1.PodSucceeded, 30*time.Second, true),
		old("b-failed", time.Minute, corev1.PodFailed, 0, true),
		old("c-stuck", 10*time.Minute, corev1.PodPending, 0, true),
		old("d-at-work", time.Minute, corev1.PodRunning, 0, true),
		old("e-being-read", time.Minute, corev1.PodSucceeded, time.Second, true),
		old("f-other", time.Hour, corev1.PodSucceeded, 30*time.Minute, false),
	}
	for _, tt := range []struct {
		not  []string
		want []string
	}{
		{nil, []string{"d-at-work", "e-being-read", "f-other"}},
		{[]string{"list pods"}, []string{"a-killed-runs", "b-failed", "c-stuck", "d-at-work", "e-being-read", "f-other"}},
	} {
		c := newCluster(succeed, objects...)
		r := c.runner()
		r.Allowed = may(tt.not...)
		if err := r.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Read(t.Context(), "cp-1", []string{conf}); err != nil {
			t.Fatal(err)
		}
		if left := c.left(t); !slices.Equal(left, tt.want) {
			t.Errorf("without %q, left: %q, want %q", tt.not, left, tt.want)
		}
	}
}

// Every permission that is missing is named, and nothing is done.
func TestReady(t *testing.T) {
	for _, tt := range []struct {
		not  []string
		want string // "" for ready
	}{
		{nil, ""},
		{[]string{"list pods", "list events"}, ""},
		{[]string{"create pods", "get pods/log"}, "forbidden: you may not create pods, get pods/log in namespace kube-system"},
		{[]string{"delete pods"}, "forbidden: you may not delete pods in namespace kube-system"},
	} {
		c := newCluster(succeed)
		r := c.runner()
		r.Allowed = may(tt.not...)
		if err := r.Ready(t.Context()); fmt.Sprint(err) != tt.want && (err != nil || tt.want != "") {
			t.Errorf("without %q: got %v", tt.not, err)
		}
		if len(c.made) > 0 {
			t.Error("a pod was made")
		}
	}
}
