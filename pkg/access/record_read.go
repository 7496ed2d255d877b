package access

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Records are what was read of the records.
type Records struct {
	// Items are in the order in which they were issued, damaged ones too.
	Items []Record
	// marks are what offboarding left, by the ConfigMap's name.
	marks map[string]mark
}

// List reads the records of user, or of all users if it is "". clientCA is
// what the API server verifies client certificates against; none where the
// caller may not read it. All ConfigMaps of RecordNamespace are read, not only
// those that are labelled as records of user: a label can be edited as easily
// as anything else. A record is user's if its certificate, or anything that is
// written beside it, names them.
func List(ctx context.Context, client kubernetes.Interface, user string, clientCA []*x509.Certificate) (*Records, error) {
	records := Records{marks: map[string]mark{}}
	err := pages(func(options metav1.ListOptions) (string, error) {
		list, err := listConfigMaps(ctx, client, options)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			records.add(&list.Items[i], user, clientCA)
		}
		return list.Continue, nil
	})
	if err != nil {
		return nil, err
	}
	records.sort()
	return &records, nil
}

func listConfigMaps(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions) (*corev1.ConfigMapList, error) {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	list, err := client.CoreV1().ConfigMaps(RecordNamespace).List(ctx, options)
	if apierrors.IsForbidden(err) {
		return nil, permit.NewMissing([]string{"list configmaps -n " + RecordNamespace}, "ask an administrator for a Role with that permission in the namespace of the records")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the records of issued certificates: %w", err)
	}
	return list, nil
}

// add takes in a ConfigMap if it is a record or a mark.
func (r *Records) add(from *corev1.ConfigMap, user string, clientCA []*x509.Certificate) {
	switch {
	case strings.HasPrefix(from.Name, markPrefix):
		r.marks[from.Name] = readMark(from)
	case IsRecord(from):
		record := readRecord(from, clientCA)
		if user == "" || record.mayBeOf(user) {
			r.Items = append(r.Items, record)
		}
	}
}

// IsRecord reports whether a ConfigMap is a record, by its name or its label:
// the one can be chosen, and the other removed.
func IsRecord(from *corev1.ConfigMap) bool {
	return strings.HasPrefix(from.Name, recordPrefix) || from.Labels[RecordLabel] == recordIssued
}

// RecordDamage says where a record differs from the certificate in it. It does
// not verify the certificate.
func RecordDamage(from *corev1.ConfigMap) []string { return readRecord(from, nil).Damaged }

// AddUnrecorded adds what requests show to have been issued to user, or to all
// if it is "", and of which there is no record: one that was deleted, or never
// made. The API server forgets a request within the hour.
func (r *Records) AddUnrecorded(requests []Request, user string) {
	known := map[string]bool{}
	for _, record := range r.Items {
		known[record.Fingerprint] = true
	}
	for i := range requests {
		request := &requests[i]
		certs, _ := pki.ParseCertificates(request.object.Status.Certificate)
		if request.State != Issued || request.Signer != certificatesv1.KubeAPIServerClientSignerName || len(certs) == 0 {
			continue
		}
		found := NewRecord(certs[0], request.Signer, request.Requester, "", request.Name, request.CreatedAt)
		found.Unrecorded = true
		if !known[found.Fingerprint] && (user == "" || found.User == user) {
			r.Items = append(r.Items, found)
		}
	}
	r.sort()
}

func (r *Records) sort() {
	slices.SortStableFunc(r.Items, func(a, b Record) int {
		return cmp.Or(a.IssuedAt.Compare(b.IssuedAt), strings.Compare(a.User+"\x00"+a.Name, b.User+"\x00"+b.Name))
	})
}

// mayBeOf reports whether the record is user's: by its certificate or, where
// the record is damaged, by anything else in it.
func (r Record) mayBeOf(user string) bool {
	return r.User == user || slices.Contains(r.Claims, user) || r.claimedHash == UserHash(user)
}

// Fault describes the damage in one line; "" where there is none.
func (r Record) Fault() string {
	if len(r.Damaged) == 0 {
		return ""
	}
	return fmt.Sprintf("ConfigMap %s/%s: %s", RecordNamespace, r.Name, strings.Join(r.Damaged, "; "))
}

// readRecord reads what configMap wrote, and more: somebody may have been at
// it. What the certificate says is taken from the certificate.
func readRecord(from *corev1.ConfigMap, clientCA []*x509.Certificate) Record {
	d := from.Data
	r := Record{
		Name: from.Name, User: d["user"], Serial: d["serial"], Fingerprint: d["sha256"],
		Signer: d["signer"], RequestedBy: d["requestedBy"], ApprovedBy: d["approvedBy"], Request: d["request"],
		Certificate: []byte(d[RecordCertificate]),
	}
	var groups []string
	if err := json.Unmarshal([]byte(d["groups"]), &groups); err != nil {
		r.damage("groups: %q is not a JSON list", d["groups"])
	}
	r.Groups = groups
	for key, into := range map[string]*time.Time{"notBefore": &r.NotBefore, "notAfter": &r.NotAfter, "issuedAt": &r.IssuedAt} {
		r.readTime(d, key, into)
	}
	if d["ended"] != "" {
		r.Ended = &time.Time{}
		r.readTime(d, "ended", r.Ended)
	}
	certs, err := pki.ParseCertificates(r.Certificate)
	if len(certs) != 1 || err != nil {
		r.damage("its certificate cannot be read: %v", cmp.Or(err, fmt.Errorf("there are %d", len(certs))))
		r.Lost = true
	} else {
		r.compare(from, certs[0], clientCA)
	}
	if len(r.Damaged) > 0 {
		slices.Sort(r.Damaged)
		r.Claims, r.claimedHash = claims(from), from.Labels[UserHashLabel]
	}
	return r
}

func (r *Record) damage(format string, args ...any) {
	r.Damaged = append(r.Damaged, fmt.Sprintf(format, args...))
}

func (r *Record) readTime(data map[string]string, key string, into *time.Time) {
	at, err := time.Parse(time.RFC3339, data[key])
	if err != nil {
		r.damage("%s: %q is not a time", key, data[key])
	}
	*into = pki.UTC(at)
}

// compare takes from cert all that it says, and remarks on what the record
// says otherwise.
func (r *Record) compare(from *corev1.ConfigMap, cert *x509.Certificate, clientCA []*x509.Certificate) {
	actual := NewRecord(cert, r.Signer, r.RequestedBy, r.ApprovedBy, r.Request, r.IssuedAt)
	differ := func(what, said, is string) {
		if said != is {
			r.damage("%s is %q, but the certificate says %q", what, said, is)
		}
	}
	differ("user", r.User, actual.User)
	if said := (pki.Subject{CommonName: actual.User, Organizations: r.Groups}); !said.Equal(pki.SubjectOf(cert)) {
		r.damage("groups are %q, but the certificate says %q", r.Groups, actual.Groups)
	}
	differ("serial", r.Serial, actual.Serial)
	differ("sha256", r.Fingerprint, actual.Fingerprint)
	differ("notBefore", r.NotBefore.Format(time.RFC3339), actual.NotBefore.Format(time.RFC3339))
	differ("notAfter", r.NotAfter.Format(time.RFC3339), actual.NotAfter.Format(time.RFC3339))
	differ("name", from.Name, actual.Name)
	differ("annotation "+UserAnnotation, from.Annotations[UserAnnotation], actual.User)
	want := actual.configMap().Labels
	for _, label := range []string{ManagedByLabel, RecordLabel, UserHashLabel} {
		differ("label "+label, from.Labels[label], want[label])
	}
	if len(clientCA) > 0 {
		if err := pki.VerifyChain(cert, nil, clientCA, cert.NotBefore); err != nil {
			r.damage("its certificate does not verify against the cluster's client CA: %v", err)
		} else {
			r.Verified = true
		}
	}
	r.Lost = from.Name != actual.Name
	if r.IssuedAt.IsZero() {
		r.IssuedAt = actual.NotBefore
	}
	r.User, r.Groups, r.Serial, r.Fingerprint = actual.User, append([]string{}, actual.Groups...), actual.Serial, actual.Fingerprint
	r.NotBefore, r.NotAfter = actual.NotBefore, actual.NotAfter
}

// claims are the users that a ConfigMap names beside its certificate.
func claims(from *corev1.ConfigMap) []string {
	return slices.DeleteFunc([]string{from.Data["user"], from.Annotations[UserAnnotation]}, func(user string) bool { return user == "" })
}
