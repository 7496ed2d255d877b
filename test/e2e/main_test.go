//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// TestMain takes away the records of what the tests issue, of which there are
// as many as tests: what the cluster remembered before stays.
func TestMain(m *testing.M) {
	client, before, err := recorded()
	code := m.Run()
	if err == nil {
		err = forgetAllBut(client, before)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the records of what was issued could not be removed:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// recorded lists the records that there are.
func recorded() (*kubernetes.Clientset, map[string]bool, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, nil, err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	names, err := recordNames(client)
	return client, names, err
}

func recordNames(client *kubernetes.Clientset) (map[string]bool, error) {
	list, err := client.CoreV1().ConfigMaps("kube-system").List(context.Background(), metav1.ListOptions{LabelSelector: access.RecordLabel})
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, item := range list.Items {
		names[item.Name] = true
	}
	return names, nil
}

func forgetAllBut(client *kubernetes.Clientset, before map[string]bool) error {
	after, err := recordNames(client)
	if err != nil {
		return err
	}
	for name := range after {
		if before[name] {
			continue
		}
		if err := client.CoreV1().ConfigMaps("kube-system").Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}
