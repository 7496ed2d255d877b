package nodepod

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What marks the pods.
const (
	managedBy = "kubectl-certs"
	component = "node-files"
	// Selector selects them.
	Selector = "app.kubernetes.io/managed-by=" + managedBy + ",app.kubernetes.io/component=" + component
)

// volumeName names the volume of the directory at index i.
func volumeName(i int) string { return fmt.Sprintf("dir-%d", i) }

// newPod returns a pod that reads dirs on node. It runs as root, because the
// files are root's alone, with none of root's powers over what others own, no
// way to gain any, nothing to write to, no token, and an end.
func (r *Runner) newPod(node string, dirs []string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:      "kubectl-certs-" + strings.ToLower(rand.Text()[:10]),
			Namespace: r.Namespace,
			Labels:    map[string]string{"app.kubernetes.io/managed-by": managedBy, "app.kubernetes.io/component": component},
		},
		Spec: corev1.PodSpec{
			NodeName:                      node,
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(life / time.Second)),
			TerminationGracePeriodSeconds: new(int64(0)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			// It asks nobody for anything: no name server, and nobody's search
			// domains. A configuration without a server is refused.
			DNSPolicy: corev1.DNSNone,
			DNSConfig: &corev1.PodDNSConfig{Nameservers: []string{"127.0.0.1"}},
			// Whatever keeps others away from the node: its files are there.
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			SecurityContext: &corev1.PodSecurityContext{
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name:            component,
				Image:           r.Image,
				ImagePullPolicy: corev1.PullIfNotPresent,
				Command:         append(append([]string{}, r.Command...), dirs...),
				// For thousands of files; whatever else is run here starves first.
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi"), corev1.ResourceEphemeralStorage: resource.MustParse("128Mi")},
				},
				SecurityContext: &corev1.SecurityContext{
					RunAsUser:                new(int64(0)),
					RunAsGroup:               new(int64(0)),
					Privileged:               new(false),
					AllowPrivilegeEscalation: new(false),
					ReadOnlyRootFilesystem:   new(true),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	for i, dir := range dirs {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
			Name: volumeName(i),
			// Directory: without a type, a missing one would be made.
			VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir, Type: new(corev1.HostPathDirectory)}},
		})
		container := &pod.Spec.Containers[0]
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: volumeName(i), MountPath: dir, ReadOnly: true})
	}
	return pod
}
