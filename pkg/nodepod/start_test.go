package nodepod_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// What keeps a pod from reading is told in words, with advice, and at once.
func TestReadFails(t *testing.T) {
	podsResource := schema.GroupResource{Resource: "pods"}
	tests := []struct {
		name       string
		kubelet    func(*corev1.Pod)
		refusal    error
		want, hint string
	}{
		{"no image", wait("ErrImagePull", ""), nil, "the node cannot pull image certs:v1 (ErrImagePull)", "--image"},
		{"no image, again", wait("ImagePullBackOff", ""), nil, "the node cannot pull image certs:v1 (ImagePullBackOff)", "--image"},
		{"not an image's name", wait("InvalidImageName", ""), nil, "the node cannot pull image certs:v1 (InvalidImageName)", "--image"},
		{"an image without the program", wait("RunContainerError", "no such file"), nil, "the node cannot start the program (RunContainerError): no such file", "--image"},
		{"another program", func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1}}}}
		}, nil, "the program in image certs:v1 failed (Error, exit code 1)", "--image"},
		{"a full node", func(pod *corev1.Pod) {
			pod.Status.Phase, pod.Status.Reason, pod.Status.Message = corev1.PodFailed, "OutOfpods", "Node didn't have enough resource: pods"
		}, nil, "the node does not run the pod: OutOfpods: Node didn't have enough resource: pods", "kubectl describe node cp-1"},
		{"PodSecurity", nil, apierrors.NewForbidden(podsResource, "x", errors.New(`violates PodSecurity "baseline:latest": hostPath volumes (volume "dir-0")`)),
			"namespace kube-system does not allow pods to read the node's files (PodSecurity admission)", "--namespace"},
		{"another policy", nil, apierrors.NewForbidden(podsResource, "x", errors.New("no")), "creating the pod: ", "--namespace"},
		{"no namespace", nil, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, namespace), "there is no namespace kube-system", "--namespace"},
		{"trouble", nil, apierrors.NewInternalError(errors.New("x")), "creating the pod: ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(tt.kubelet)
			if tt.refusal != nil {
				c.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tt.refusal })
			}
			_, _, err := c.runner().Read(t.Context(), "cp-1", []string{conf})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.hint) {
				t.Errorf("got %v (hint %q), want %q (%q)", err, hint.Of(err), tt.want, tt.hint)
			}
			if left := c.left(t); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}
