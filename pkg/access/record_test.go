package access_test

import (
	"errors"
	"reflect"
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
	got, err := access.List(t.Context(), client, "")
	if err != nil {
		t.Fatal(err)
	}
	bob.Groups = []string{}
	if want := []access.Record{bob, alice}; !reflect.DeepEqual(got.Items, want) || len(got.Damaged) > 0 {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err := access.List(t.Context(), client, "alice"); err != nil || len(got.Items) != 1 || got.Items[0].User != "alice" {
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

// A record that somebody has spoilt does not hide the others.
func TestDamagedRecords(t *testing.T) {
	tests := []struct {
		name   string
		change func(data map[string]string)
		want   string
	}{
		{"no date", func(d map[string]string) { delete(d, "notAfter") }, `notAfter: "" is no time`},
		{"a bad date", func(d map[string]string) { d["ended"] = "yesterday" }, `ended: "yesterday" is no time`},
		{"bad groups", func(d map[string]string) { d["groups"] = "devs" }, "groups: "},
		{"empty", func(d map[string]string) { clear(d) }, "groups: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset()
			alice, bob := record(t, "alice", 1), record(t, "bob", 2)
			save(t, client, alice, bob)
			m, err := client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), alice.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			tt.change(m.Data)
			if _, err := client.CoreV1().ConfigMaps("kube-system").Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			got, err := access.List(t.Context(), client, "")
			if err != nil || len(got.Items) != 1 || got.Items[0].User != "bob" || len(got.Damaged) != 1 || !strings.Contains(got.Damaged[0], tt.want) {
				t.Errorf("got %+v (%v), want damage that says %q", got, err, tt.want)
			}
		})
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
	if _, err := access.List(t.Context(), client, ""); err != nil || pages != 3 {
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
	if _, err := access.List(t.Context(), client, ""); err == nil || err.Error() != "forbidden: you may not list configmaps -n kube-system" {
		t.Errorf("listing: %v", err)
	}
}
