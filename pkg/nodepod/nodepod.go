// Package nodepod runs a program on nodes that reads directories there: one
// short-lived pod a node, which may read them, and may do nothing else.
package nodepod

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// Allowed answers, in acts' order, whether the caller may do each of them.
type Allowed func(ctx context.Context, acts []authorizationv1.ResourceAttributes) ([]bool, error)

// Runner runs pods in one namespace.
type Runner struct {
	Client  kubernetes.Interface
	Allowed Allowed
	// Namespace is where the pods are made. Its policy has to let them mount
	// directories of the node.
	Namespace string
	// Image holds the program, and Command calls it: the directories follow.
	Image   string
	Command []string

	mayList, mayListEvents bool
	sweep                  sync.Once
	mu                     sync.Mutex
	left                   []string
}

// Bounds of what a pod may take.
const (
	// life is how long a pod lives at most, whatever becomes of its maker.
	life = 2 * time.Minute
	// startTimeout bounds the wait for a pod's program to start.
	startTimeout = 45 * time.Second
	// removeTimeout bounds the clean-up, also after an interrupt.
	removeTimeout = 10 * time.Second
	// mostOutput bounds what a pod may say, in bytes.
	mostOutput = 64 << 20
)

func act(verb, group, resource, subresource string) authorizationv1.ResourceAttributes {
	return authorizationv1.ResourceAttributes{Verb: verb, Group: group, Version: "v1", Resource: resource, Subresource: subresource}
}

// Ready asks what the caller may do. The error names every permission that is
// missing.
func (r *Runner) Ready(ctx context.Context) error {
	acts := []authorizationv1.ResourceAttributes{
		act("create", "", "pods", ""), act("get", "", "pods", ""), act("delete", "", "pods", ""), act("get", "", "pods", "log"),
		// Helpful: to find what a killed run left, and why a pod does not start.
		act("list", "", "pods", ""), act("list", "", "events", ""),
	}
	const required = 4
	for i := range acts {
		acts[i].Namespace = r.Namespace
	}
	answers, err := r.Allowed(ctx, acts)
	if err != nil {
		return err
	}
	var lacking []string
	for i, a := range acts[:required] {
		if !answers[i] {
			lacking = append(lacking, strings.TrimSuffix(a.Verb+" "+a.Resource+"/"+a.Subresource, "/"))
		}
	}
	if len(lacking) > 0 {
		return hint.New(fmt.Sprintf("forbidden: you may not %s in namespace %s", strings.Join(lacking, ", "), r.Namespace),
			"ask an administrator for these permissions, or use another namespace with --namespace; or read the files on each node: sudo kubectl-certs inspect --files /etc/kubernetes")
	}
	r.mayList, r.mayListEvents = answers[required], answers[required+1]
	return nil
}

// Read runs the program on node for those of dirs that are there, and returns
// what it printed, and which of dirs are missing. Call Ready first. The pod is
// gone when Read returns; one that could not be removed is listed by Left.
func (r *Runner) Read(ctx context.Context, node string, dirs []string) (output []byte, missing []string, err error) {
	for {
		there := slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool { return slices.Contains(missing, dir) })
		if len(there) == 0 {
			return nil, missing, nil
		}
		output, absent, err := r.readOnce(ctx, node, there)
		if err != nil || len(absent) == 0 {
			return output, missing, err
		}
		missing = append(missing, absent...)
	}
}

// readOnce is Read with one pod. A directory that is not there keeps the pod
// from starting: it is returned instead of any output.
func (r *Runner) readOnce(ctx context.Context, node string, dirs []string) (output []byte, absent []string, err error) {
	pod := r.newPod(node, dirs)
	created, err := r.Client.CoreV1().Pods(r.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: managedBy})
	if err != nil {
		if mayHaveArrived(err) {
			r.remove(ctx, pod)
		}
		return nil, nil, r.explainCreate(err)
	}
	defer r.remove(ctx, created)
	r.sweep.Do(func() { r.removeLeftovers(ctx, created) })

	absent, err = r.started(ctx, created, dirs)
	if err != nil || len(absent) > 0 {
		return nil, absent, err
	}
	output, err = r.log(ctx, created)
	return output, nil, err
}

// log returns what the pod prints until it ends.
func (r *Runner) log(ctx context.Context, pod *corev1.Pod) ([]byte, error) {
	stream, err := r.Client.CoreV1().Pods(r.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return nil, explainLog(err)
	}
	defer stream.Close()
	output, err := io.ReadAll(io.LimitReader(stream, mostOutput))
	if err != nil {
		return nil, explainLog(err)
	}
	return output, nil
}

// remove deletes pod, at once. It also works on an interrupted ctx.
func (r *Runner) remove(ctx context.Context, pod *corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	atOnce := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &atOnce}
	if pod.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &pod.UID}
	}
	err := r.Client.CoreV1().Pods(r.Namespace).Delete(ctx, pod.Name, options)
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = append(r.left, pod.Name)
}

// Left returns an error that names the pods which could not be removed, or nil.
func (r *Runner) Left() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) == 0 {
		return nil
	}
	slices.Sort(r.left)
	return hint.New(fmt.Sprintf("these pods could not be removed from namespace %s: %s", r.Namespace, strings.Join(r.left, ", ")),
		fmt.Sprintf("they terminate within %s; delete them with: kubectl delete pods -n %s -l %s", life, r.Namespace, Selector))
}

// recent is how long ago a pod may have ended whose maker is still about to
// remove it.
const recent = 10 * time.Second

// removeLeftovers removes the pods of runs that were killed: those that have
// ended a while before now was made, and those that should have ended by then.
// Other people's pods that are at work are left alone. All times are the
// cluster's; this machine's clock has no say.
func (r *Runner) removeLeftovers(ctx context.Context, now *corev1.Pod) {
	if !r.mayList {
		return
	}
	list, err := r.Client.CoreV1().Pods(r.Namespace).List(ctx, metav1.ListOptions{LabelSelector: Selector})
	if err != nil {
		return // the next run tries again
	}
	for i := range list.Items {
		if pod := &list.Items[i]; abandoned(pod, now.CreationTimestamp.Time) {
			r.remove(ctx, pod)
		}
	}
}

// abandoned reports whether nobody waits for pod any more.
func abandoned(pod *corev1.Pod, now time.Time) bool {
	if pod.CreationTimestamp.Add(life + time.Minute).Before(now) {
		return true
	}
	if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
		return false
	}
	ended := pod.CreationTimestamp.Time
	for _, c := range pod.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil && t.FinishedAt.After(ended) {
			ended = t.FinishedAt.Time
		}
	}
	return ended.Add(recent).Before(now)
}
