//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

// slowly bounds what a restart of a component takes.
const slowly = 3 * time.Minute

// awaiting waits until done says so, and says what it waits for if it never
// does.
func awaiting(t *testing.T, what string, done func(ctx context.Context) (bool, error)) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), 500*time.Millisecond, slowly, true, done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// toNode copies a directory to a node, and takes it away after the test.
func toNode(t *testing.T, from, node, to string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "docker", "cp", from, node+":"+to).CombinedOutput(); err != nil {
		t.Fatalf("copying %s to %s: %v\n%s", from, node, err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "exec", node, "rm", "-rf", to).Run() })
}

// writeOnNode puts text into a file of a node, in one step.
func writeOnNode(t *testing.T, node, path, text string) {
	t.Helper()
	cmd := exec.Command("docker", "exec", "-i", node, "sh", "-c", "cat > /etc/kubernetes/e2e.tmp && mv /etc/kubernetes/e2e.tmp "+path)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("writing %s on %s: %v\n%s", path, node, err, out)
	}
}

// runOn points the static pod of a control-plane component at a kubeconfig that
// the program made, waits until the component runs on it and holds its lease,
// and puts everything back after the test.
func runOn(t *testing.T, profile, component, config string) {
	t.Helper()
	p := newPerson(t, adminKubeconfig(t))
	forgetUsers(t, "system:"+component)
	const dir = "/etc/kubernetes/e2e-"
	if r := p.certs("issue", profile, "--out", "files/", "--advertise-server", "https://"+controlPlane+":6443"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	toNode(t, p.path("files"), controlPlane, dir+profile)
	manifest := "/etc/kubernetes/manifests/" + component + ".yaml"
	before := onControlPlane(t, "cat", manifest)
	uid := mirror(t, component).UID
	t.Cleanup(func() {
		changed := mirror(t, component).UID
		writeOnNode(t, controlPlane, manifest, before)
		awaitComponent(t, component, string(changed), "--kubeconfig=/etc/kubernetes/"+config)
	})
	writeOnNode(t, controlPlane, manifest, pointAt(t, before, "/etc/kubernetes/"+config, dir+profile, config))
	awaitComponent(t, component, string(uid), "--kubeconfig="+dir+profile+"/"+config)
}

// pointAt returns a static pod's manifest with its kubeconfig taken from a
// directory instead of a file.
func pointAt(t *testing.T, manifest, file, dir, config string) string {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(manifest), &pod); err != nil {
		t.Fatal(err)
	}
	container := &pod.Spec.Containers[0]
	for i, argument := range container.Command {
		container.Command[i] = strings.ReplaceAll(argument, file, dir+"/"+config)
	}
	directory := corev1.HostPathDirectory
	found := false
	for i, volume := range pod.Spec.Volumes {
		if volume.HostPath == nil || volume.HostPath.Path != file {
			continue
		}
		found = true
		pod.Spec.Volumes[i].HostPath = &corev1.HostPathVolumeSource{Path: dir, Type: &directory}
		for j, mount := range container.VolumeMounts {
			if mount.Name == volume.Name {
				container.VolumeMounts[j].MountPath = dir
			}
		}
	}
	if !found {
		t.Fatalf("the manifest mounts no %s:\n%s", file, manifest)
	}
	text, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mirror is the pod that shows a static pod in the API.
func mirror(t *testing.T, component string) *corev1.Pod {
	t.Helper()
	pod, err := admin(t).CoreV1().Pods("kube-system").Get(context.WithoutCancel(t.Context()), component+"-"+controlPlane, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// awaitComponent waits until another pod than uid runs with the argument, is
// ready, and has taken and then renewed the component's lease.
func awaitComponent(t *testing.T, component, uid, argument string) {
	t.Helper()
	client := admin(t)
	var started time.Time
	awaiting(t, component+" runs with "+argument, func(ctx context.Context) (bool, error) {
		pod, err := client.CoreV1().Pods("kube-system").Get(ctx, component+"-"+controlPlane, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil || string(pod.UID) == uid || len(pod.Status.ContainerStatuses) == 0 {
			return false, err
		}
		state := pod.Status.ContainerStatuses[0]
		if !state.Ready || state.State.Running == nil || !strings.Contains(strings.Join(pod.Spec.Containers[0].Command, " "), argument) {
			return false, nil
		}
		started = state.State.Running.StartedAt.Time
		return true, nil
	})
	var taken coordinationv1.Lease
	awaiting(t, component+" takes and renews its lease", func(ctx context.Context) (bool, error) {
		lease, err := client.CoordinationV1().Leases("kube-system").Get(ctx, component, metav1.GetOptions{})
		if err != nil || lease.Spec.AcquireTime == nil || !lease.Spec.AcquireTime.After(started) {
			return false, err
		}
		if taken.Spec.RenewTime == nil {
			taken = *lease
			return false, nil
		}
		return lease.Spec.RenewTime.After(taken.Spec.RenewTime.Time), nil
	})
}

// The cluster's scheduler runs on what `issue scheduler` made: it holds its
// lease, and pods are scheduled.
func TestSchedulerRunsOnIt(t *testing.T) {
	const dev = "e2e-scheduled"
	runOn(t, "scheduler", "kube-scheduler", "scheduler.conf")
	namespace(t, dev)
	client := admin(t)
	waitForServiceAccount(t, dev)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: dev},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "pause", Image: "registry.invalid/none"}}},
	}
	if _, err := client.CoreV1().Pods(dev).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaiting(t, "the pod is scheduled", func(ctx context.Context) (bool, error) {
		pod, err := client.CoreV1().Pods(dev).Get(ctx, "pod", metav1.GetOptions{})
		return err == nil && pod.Spec.NodeName != "", err
	})
}

func waitForServiceAccount(t *testing.T, namespace string) {
	t.Helper()
	awaiting(t, "the namespace has its service account", func(ctx context.Context) (bool, error) {
		_, err := admin(t).CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// The controller manager likewise: it makes service accounts, publishes the
// CA to namespaces, and signs certificates.
func TestControllerManagerRunsOnIt(t *testing.T) {
	const dev, user = "e2e-managed", "e2e-managed"
	runOn(t, "controller-manager", "kube-controller-manager", "controller-manager.conf")
	namespace(t, dev)
	forgetUsers(t, user)
	waitForServiceAccount(t, dev)
	awaiting(t, "the namespace has kube-root-ca.crt", func(ctx context.Context) (bool, error) {
		_, err := admin(t).CoreV1().ConfigMaps(dev).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
	p := newPerson(t, adminKubeconfig(t))
	// Its controllers have service accounts of their own, and tokens of them.
	p.must("kubectl", "create", "token", "default", "-n", dev)
	if r := p.certs("issue", user); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if got, _ := p.using(p.path(user + ".kubeconfig")).whoami(); got != user {
		t.Errorf("the API server takes the holder for %q", got)
	}
}

// A kube-proxy likewise: it makes a Service answer that was not there before.
func TestProxyRunsOnIt(t *testing.T) {
	const node, dir, name = "kubectl-certs-worker2", "/etc/kubernetes/e2e-proxy", "e2e-proxy"
	forgetUsers(t, "system:kube-proxy")
	p := newPerson(t, adminKubeconfig(t))
	if r := p.certs("issue", "proxy", "--out", "files/", "--advertise-server", "https://"+controlPlane+":6443"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	toNode(t, p.path("files"), node, dir)
	client := admin(t)

	// The node's own proxy gives way to one that runs on the new files alone.
	set, err := client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "kube-proxy", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "kube-proxy", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const own = "/var/lib/kube-proxy/kubeconfig.conf"
	text := strings.ReplaceAll(config.Data["config.conf"], own, dir+"/kube-proxy.conf")
	if !strings.Contains(text, dir) {
		t.Fatalf("kube-proxy's configuration names no %s:\n%s", own, config.Data["config.conf"])
	}
	if err := os.WriteFile(p.path("files/config.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "docker", "cp", p.path("files/config.conf"), node+":"+dir+"/config.conf").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.must("kubectl", "label", "node", node, "e2e-proxy=own")
	t.Cleanup(func() {
		root := newPerson(t, adminKubeconfig(t))
		root.must("kubectl", "patch", "daemonset", "kube-proxy", "-n", "kube-system", "--type=json", "-p", `[{"op":"remove","path":"/spec/template/spec/affinity"}]`)
		root.must("kubectl", "label", "node", node, "e2e-proxy-")
		root.must("kubectl", "delete", "pod", name, "-n", "kube-system", "--ignore-not-found", "--force")
		root.must("kubectl", "rollout", "status", "daemonset/kube-proxy", "-n", "kube-system", "--timeout=50s")
	})
	p.must("kubectl", "patch", "daemonset", "kube-proxy", "-n", "kube-system", "--type=merge", "-p",
		`{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"e2e-proxy","operator":"DoesNotExist"}]}]}}}}}}}`)
	awaiting(t, "the node's own proxy is gone", func(ctx context.Context) (bool, error) {
		pods, err := client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{LabelSelector: "k8s-app=kube-proxy", FieldSelector: "spec.nodeName=" + node})
		return err == nil && len(pods.Items) == 0, err
	})
	if _, err := client.CoreV1().Pods("kube-system").Create(t.Context(), proxyPod(name, node, dir, set.Spec.Template.Spec), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	address := serveAPI(t, name)
	// The node has no curl; in plain HTTP, too, the API server says something.
	const say = `exec 3<>/dev/tcp/$0/443 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3`
	awaiting(t, "the Service answers on the node", func(context.Context) (bool, error) {
		out, err := exec.Command("docker", "exec", node, "timeout", "2", "bash", "-c", say, address).Output()
		return err == nil && strings.Contains(string(out), "HTTP request to an HTTPS server"), nil
	})
}

// proxyPod is kube-proxy's own pod, with its configuration from a directory of
// the node and no service account.
func proxyPod(name, node, dir string, spec corev1.PodSpec) *corev1.Pod {
	no := false
	spec.NodeName, spec.Affinity, spec.ServiceAccountName, spec.DeprecatedServiceAccount = node, nil, "", ""
	spec.AutomountServiceAccountToken = &no
	container := &spec.Containers[0]
	container.Command = []string{"/usr/local/bin/kube-proxy", "--config=" + dir + "/config.conf", "--hostname-override=" + node}
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "e2e", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir}}})
	container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: "e2e", MountPath: dir})
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system"}, Spec: spec}
}

// serveAPI makes a new Service that leads to the API server, and returns its
// address.
func serveAPI(t *testing.T, name string) string {
	t.Helper()
	client := admin(t)
	namespace(t, name)
	endpoints, err := client.DiscoveryV1().EndpointSlices("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services(name).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(6443)}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: endpoints.AddressType, Ports: endpoints.Ports,
	}
	for _, e := range endpoints.Endpoints {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: e.Addresses})
	}
	if _, err := client.DiscoveryV1().EndpointSlices(name).Create(t.Context(), slice, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return service.Spec.ClusterIP
}
