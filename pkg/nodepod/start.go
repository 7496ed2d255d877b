package nodepod

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// How often a pod is looked at. A watch would take one permission more.
const (
	pollInterval = 250 * time.Millisecond
	// eventsAfter is how long a pod takes at most that has nothing to complain
	// of; then its events are looked at, every time.
	eventsAfter = time.Second
)

// started waits until the program of pod runs or has ended. Those of dirs that
// keep it from starting, because they are not there, are returned.
func (r *Runner) started(ctx context.Context, pod *corev1.Pod, dirs []string) (absent []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errNotStarted)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	waiting := "it was not started"
	for polls := 1; ; polls++ {
		select {
		case <-ctx.Done():
			return nil, r.explainWait(ctx, waiting)
		case <-ticker.C:
		}
		current, err := r.Client.CoreV1().Pods(r.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		switch {
		case ctx.Err() != nil:
			return nil, r.explainWait(ctx, waiting)
		case apierrors.IsNotFound(err):
			return nil, hint.New("the pod was deleted while it ran", "try again")
		case err != nil:
			return nil, fmt.Errorf("waiting for the pod: %w", err)
		}
		ready, err := r.state(current)
		if ready || err != nil {
			return nil, err
		}
		if reason := waitingFor(current); reason != "" {
			waiting = reason
		}
		if r.mayListEvents && time.Duration(polls)*pollInterval >= eventsAfter {
			if absent = r.absent(ctx, current, dirs); len(absent) > 0 {
				return absent, nil
			}
		}
	}
}

var errNotStarted = errors.New("it did not start before the timeout")

// state reports whether pod has something to read, or why it never will.
func (r *Runner) state(pod *corev1.Pod) (ready bool, err error) {
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			if err := r.explainWaiting(w); err != nil {
				return false, err
			}
		}
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return false, hint.New(fmt.Sprintf("the program in image %s failed (%s, exit code %d)", r.Image, t.Reason, t.ExitCode),
				"use an image of this program, of this version: --image")
		}
	}
	switch pod.Status.Phase {
	case corev1.PodRunning, corev1.PodSucceeded:
		return true, nil
	case corev1.PodFailed:
		return false, hint.New(strings.TrimSuffix(fmt.Sprintf("the node does not run the pod: %s: %s", pod.Status.Reason, pod.Status.Message), ": "),
			"check the node: kubectl describe node "+pod.Spec.NodeName)
	}
	return false, nil
}

// explainWaiting says why a container will not start; nil while it may.
func (r *Runner) explainWaiting(w *corev1.ContainerStateWaiting) error {
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		return hint.New(fmt.Sprintf("the node cannot pull image %s (%s)", r.Image, w.Reason),
			"specify an image of this program that the node can pull, with --image; make image builds one")
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return hint.New(fmt.Sprintf("the node cannot start the program (%s): %s", w.Reason, w.Message),
			"use an image of this program: --image")
	}
	return nil
}

// waitingFor is what a container waits for, in Kubernetes' word; "" for nothing.
func waitingFor(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			return w.Reason
		}
	}
	return ""
}

// absent returns those of dirs of which the kubelet says that they are no
// directories.
func (r *Runner) absent(ctx context.Context, pod *corev1.Pod, dirs []string) []string {
	events, err := r.Client.CoreV1().Events(r.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.Set{"involvedObject.name": pod.Name, "reason": "FailedMount"}.String(), Limit: 50,
	})
	if err != nil {
		return nil
	}
	var absent []string
	for i, dir := range dirs {
		for _, event := range events.Items {
			// pkg/volume/hostpath/host_path.go has no other word for it.
			if event.InvolvedObject.UID == pod.UID && strings.Contains(event.Message, fmt.Sprintf("%q", volumeName(i))) &&
				strings.Contains(event.Message, "hostPath type check failed") {
				absent = append(absent, dir)
				break
			}
		}
	}
	return absent
}

// explainWait says what the pod was waiting for when ctx ended.
func (r *Runner) explainWait(ctx context.Context, waiting string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	return hint.Wrap(fmt.Errorf("the pod did not start before the timeout: %s", waiting),
		"check that the kubelet of the node works; a slow image pull needs a longer --request-timeout")
}

// explainCreate says why no pod could be made.
func (r *Runner) explainCreate(err error) error {
	switch {
	// plugin/pkg/admission/security/podsecurity has no reason of its own.
	case strings.Contains(err.Error(), "violates PodSecurity"):
		return hint.Wrap(fmt.Errorf("namespace %s does not allow pods to read the node's files (PodSecurity admission)", r.Namespace),
			"specify a namespace where pods may mount hostPath volumes, with --namespace, or read the files on each node: sudo kubectl-certs inspect --files /etc/kubernetes")
	case apierrors.IsNotFound(err):
		return hint.Wrap(fmt.Errorf("creating the pod: there is no namespace %s", r.Namespace), "specify another one with --namespace")
	case apierrors.IsForbidden(err):
		return hint.Wrap(fmt.Errorf("creating the pod: %w", err), "a policy of the cluster refuses it: specify another namespace with --namespace")
	}
	return fmt.Errorf("creating the pod: %w", err)
}

// explainLog says why what the pod printed could not be read.
func explainLog(err error) error {
	// The API server passes on what its connection to the kubelet died of.
	if strings.Contains(err.Error(), "remote error: tls: internal error") {
		return hint.Wrap(errors.New("reading what the pod printed: the kubelet has no serving certificate"),
			"its request for one is pending: kubectl certs approve --kubelet-serving --allow-new")
	}
	return fmt.Errorf("reading what the pod printed: %w", err)
}

// mayHaveArrived reports whether a creation that failed with err may have
// happened all the same: the answer was lost, or the server was in trouble.
func mayHaveArrived(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err)
}
