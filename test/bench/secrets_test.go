//go:build e2e

package bench

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	secretsNamespace = "bench-secrets"
	secretCount      = 10_000
)

// 10,000 TLS secrets, against bare client-go that lists and parses them: check
// at most 1.3 times its time and 1.5 times its memory, and inspect as well,
// which keeps what it found.
func BenchmarkSecrets(b *testing.B) {
	client := newClient(b)
	fillSecrets(b, client)
	compareSecrets(b)
}

// compareSecrets compares what reads all secrets of a cluster.
func compareSecrets(b *testing.B) {
	bare := bareProcess("bare-secrets", "TestBareSecrets")
	for _, tt := range []struct{ name, verb, output string }{{"check", "check", "table"}, {"inspect", "inspect", "table"}, {"json", "inspect", "json"}} {
		b.Run(tt.name, func(b *testing.B) {
			ours := command(tt.name, plugin(b), tt.verb, "--sources", "secrets", "-o", tt.output)
			compare(b, ours, bare)
			compareMemory(b, ours, bare)
		})
	}
}

// fillSecrets creates the secrets, for as long as the benchmark runs.
func fillSecrets(b *testing.B, client kubernetes.Interface) {
	ctx := context.Background()
	namespaces := client.CoreV1().Namespaces()
	_, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: secretsNamespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = namespaces.Delete(ctx, secretsNamespace, metav1.DeleteOptions{}) })
	ca := newAuthority(b)
	var group errgroup.Group
	group.SetLimit(64)
	for i := range secretCount {
		group.Go(func() error {
			name := fmt.Sprintf("tls-%05d", i)
			secret := &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: name}, Type: corev1.SecretTypeTLS,
				Data: map[string][]byte{"tls.crt": ca.issue(b, name+".example", nil), "tls.key": ca.keyPEM},
			}
			_, err := client.CoreV1().Secrets(secretsNamespace).Create(ctx, secret, metav1.CreateOptions{})
			if apierrors.IsAlreadyExists(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// TestBareSecrets is the process that BenchmarkSecrets compares with: the least
// that it takes to know which certificates run out soon.
func TestBareSecrets(t *testing.T) {
	if os.Getenv("KUBECONFIG") == "" {
		t.Fatal("KUBECONFIG is not set: run make bench")
	}
	client, ctx := newClient(t), context.Background()
	options := metav1.ListOptions{FieldSelector: "type=kubernetes.io/tls", Limit: 500}
	parsed, soon := 0, time.Now().Add(30*24*time.Hour)
	for {
		list, err := client.CoreV1().Secrets("").List(ctx, options)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			block, _ := pem.Decode(list.Items[i].Data["tls.crt"])
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			parsed++
			if cert.NotAfter.Before(soon) {
				t.Log(cert.Subject)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	t.Logf("%d certificates", parsed)
}
