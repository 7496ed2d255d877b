package access_test

import (
	"crypto/x509"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// record is the record of a certificate for user that was issued some minutes
// after pkitest.Now.
func record(t *testing.T, user string, minutes int, groups ...string) access.Record {
	t.Helper()
	cert := pkitest.NewCA(t, "kubernetes").Issue(t, pkitest.Client(user, groups...))
	return access.NewRecord(cert, "kubernetes.io/kube-apiserver-client", "root", "root", "certs-"+user, pkitest.Now.Add(time.Duration(minutes)*time.Minute))
}

func save(t *testing.T, client *fake.Clientset, records ...access.Record) {
	t.Helper()
	for _, r := range records {
		if err := access.Save(t.Context(), client, r); err != nil {
			t.Fatal(err)
		}
	}
}

// What is saved is what is read, the newest last.
func TestRecords(t *testing.T) {
	client := fake.NewClientset()
	alice, bob := record(t, "alice", 2, "devs", "a, b"), record(t, "bob\x1b[2J", 1)
	ended := pkitest.Now.Add(time.Hour).UTC()
	bob.Ended = &ended
	save(t, client, alice, bob, alice) // a second time is no other certificate
	got, err := access.List(t.Context(), client, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	bob.Groups = []string{}
	if want := []access.Record{bob, alice}; !reflect.DeepEqual(got.Items, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err := access.List(t.Context(), client, "alice", nil); err != nil || len(got.Items) != 1 || got.Items[0].User != "alice" {
		t.Errorf("alice's: %+v (%v)", got, err)
	}
}

// There is nothing in a record that looks like a key.
func TestRecordHoldsNoKey(t *testing.T) {
	client := fake.NewClientset()
	save(t, client, record(t, "alice", 0))
	maps, err := client.CoreV1().ConfigMaps("kube-system").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range maps.Items[0].Data {
		if key == access.RecordCertificate {
			value = strings.TrimPrefix(value, "-----BEGIN CERTIFICATE-----\n")
			value, _, _ = strings.Cut(value, "-----END CERTIFICATE-----\n")
		}
		if strings.Contains(value, "-----") || key != access.RecordCertificate && len(value) > 100 {
			t.Errorf("%s: %s", key, value)
		}
	}
}

// edit changes a record's ConfigMap behind the program's back.
func edit(t *testing.T, client *fake.Clientset, name string, change func(*corev1.ConfigMap)) {
	t.Helper()
	m, err := client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	change(m)
	if _, err := client.CoreV1().ConfigMaps("kube-system").Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Whatever somebody writes into a record, its certificate says who it is for,
// in which groups and until when; and the record is found, by everybody whom
// it ever spoke of.
func TestDamagedRecords(t *testing.T) {
	stranger := string(pki.EncodeCertificates(pkitest.NewCA(t, "another").Issue(t, pkitest.Client("alice", "devs"))))
	tests := []struct {
		name   string
		change func(m *corev1.ConfigMap)
		want   string
		lost   bool // what was recorded is not there any more
	}{
		{"no date", func(m *corev1.ConfigMap) { delete(m.Data, "notAfter") }, `notAfter: "" is not a time`, false},
		{"an earlier end", func(m *corev1.ConfigMap) { m.Data["notAfter"] = "2026-01-01T00:00:00Z" }, `notAfter is "2026-01-01T00:00:00Z"`, false},
		{"a bad date", func(m *corev1.ConfigMap) { m.Data["ended"] = "yesterday" }, `ended: "yesterday" is not a time`, false},
		{"bad groups", func(m *corev1.ConfigMap) { m.Data["groups"] = "devs" }, "groups: ", false},
		{"fewer groups", func(m *corev1.ConfigMap) { m.Data["groups"] = "[]" }, `groups are [], but the certificate says ["devs"]`, false},
		{"another user", func(m *corev1.ConfigMap) { m.Data["user"] = "bob" }, `user is "bob", but the certificate says "alice"`, false},
		{"another serial", func(m *corev1.ConfigMap) { m.Data["serial"] = "1" }, `serial is "1"`, false},
		{"another fingerprint", func(m *corev1.ConfigMap) { m.Data["sha256"] = "1" }, `sha256 is "1"`, false},
		{"another annotation", func(m *corev1.ConfigMap) { m.Annotations[access.UserAnnotation] = "bob" }, "annotation certs.kubectl.dev/user", false},
		{"another hash", func(m *corev1.ConfigMap) { m.Labels[access.UserHashLabel] = access.UserHash("bob") }, "label certs.kubectl.dev/user-hash", false},
		{"no labels", func(m *corev1.ConfigMap) { m.Labels = nil }, "label app.kubernetes.io/managed-by", false},
		{"a certificate of one's own", func(m *corev1.ConfigMap) { m.Data["certificate"] = stranger }, "does not verify against the cluster's client CA", true},
		{"no certificate", func(m *corev1.ConfigMap) { delete(m.Data, "certificate") }, "its certificate cannot be read", true},
		{"two", func(m *corev1.ConfigMap) { m.Data["certificate"] += stranger }, "its certificate cannot be read: there are 2", true},
		{"empty", func(m *corev1.ConfigMap) { clear(m.Data) }, "its certificate cannot be read", true},
	}
	ca := pkitest.NewCA(t, "kubernetes").Certificate
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset()
			alice, bob := record(t, "alice", 1, "devs"), record(t, "bob", 2)
			save(t, client, alice, bob)
			edit(t, client, alice.Name, tt.change)
			got, err := access.List(t.Context(), client, "alice", []*x509.Certificate{ca})
			if err != nil || len(got.Items) != 1 {
				t.Fatalf("got %+v (%v), want alice's record", got, err)
			}
			r := got.Items[0]
			if !strings.Contains(r.Fault(), tt.want) || !strings.Contains(r.Fault(), "ConfigMap kube-system/"+alice.Name) || r.Lost != tt.lost {
				t.Errorf("damage %q, lost %t, want %q, %t", r.Fault(), r.Lost, tt.want, tt.lost)
			}
			if !tt.lost && (!r.Verified || r.User != "alice" || !slices.Equal(r.Groups, alice.Groups) || r.Serial != alice.Serial || r.Fingerprint != alice.Fingerprint ||
				!r.NotAfter.Equal(alice.NotAfter) || !r.NotBefore.Equal(alice.NotBefore)) {
				t.Errorf("believed %+v", r)
			}
			all, err := access.List(t.Context(), client, "", []*x509.Certificate{ca})
			if err != nil || len(all.Items) != 2 {
				t.Errorf("all: %+v (%v)", all, err)
			}
		})
	}
	client := fake.NewClientset()
	save(t, client, record(t, "alice", 1, "devs"))
	if got, err := access.List(t.Context(), client, "", []*x509.Certificate{ca}); err != nil || got.Items[0].Fault() != "" || !got.Items[0].Verified {
		t.Errorf("an undamaged one: %+v (%v)", got, err)
	}
}

// Many records are read page by page.
func TestRecordsInPages(t *testing.T) {
	client := fake.NewClientset()
	pages := 0
	client.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		pages++
		list := &corev1.ConfigMapList{}
		if pages < 3 {
			list.Continue = "more"
		}
		return true, list, nil
	})
	if _, err := access.List(t.Context(), client, "", nil); err != nil || pages != 3 {
		t.Errorf("read %d pages (%v), want 3", pages, err)
	}
}

func TestRecordsForbidden(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("*", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "", errors.New("no"))
	})
	err := access.Save(t.Context(), client, record(t, "alice", 0))
	if err == nil || err.Error() != "forbidden: you may not create configmaps -n kube-system" || hint.Of(err) == "" {
		t.Errorf("saving: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := access.List(t.Context(), client, "", nil); err == nil || err.Error() != "forbidden: you may not list configmaps -n kube-system" {
		t.Errorf("listing: %v", err)
	}
}
