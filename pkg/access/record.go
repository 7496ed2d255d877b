package access

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// RecordLabel tells records from whatever else this program may come to keep.
const (
	RecordLabel  = "certs.kubectl.dev/record"
	recordIssued = "issued"
	// RecordNamespace is where records are kept: administrators alone may write
	// there.
	RecordNamespace = metav1.NamespaceSystem
	// RecordSelector selects records, as a label selector.
	RecordSelector = ManagedByLabel + "=" + ManagedBy + "," + RecordLabel + "=" + recordIssued
	// RecordCertificate is the key of the certificate in a record's ConfigMap.
	RecordCertificate = "certificate"
)

// Record is what the cluster remembers of a certificate that was issued: the
// CertificateSigningRequest API itself forgets it within the hour. There is
// never a key in it.
type Record struct {
	// Name is the ConfigMap's.
	Name   string   `json:"name"`
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
	// Serial and Fingerprint (SHA-256) are in hexadecimal.
	Serial      string    `json:"serial"`
	Fingerprint string    `json:"sha256"`
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	Signer      string    `json:"signer"`
	// RequestedBy and ApprovedBy are users; ApprovedBy is "" where it was
	// somebody whom the API does not name.
	RequestedBy string    `json:"requestedBy"`
	ApprovedBy  string    `json:"approvedBy,omitempty"`
	Request     string    `json:"request"`
	IssuedAt    time.Time `json:"issuedAt"`
	// Ended is when the user's access was taken back; nil as long as it was
	// not.
	Ended *time.Time `json:"ended,omitempty"`
	// Certificate is what was issued, as PEM, for whoever looks at the cluster's
	// certificates later.
	Certificate []byte `json:"-"`
}

// NewRecord returns the record of cert.
func NewRecord(cert *x509.Certificate, signer, requestedBy, approvedBy, request string, issuedAt time.Time) Record {
	sum := sha256.Sum256(cert.Raw)
	fingerprint := hex.EncodeToString(sum[:])
	subject := pki.SubjectOf(cert)
	return Record{
		Name: "certs-issued-" + fingerprint[:20],
		User: subject.CommonName, Groups: subject.Organizations,
		Serial: cert.SerialNumber.Text(16), Fingerprint: fingerprint,
		NotBefore: cert.NotBefore.UTC(), NotAfter: cert.NotAfter.UTC(),
		Signer: signer, RequestedBy: requestedBy, ApprovedBy: approvedBy, Request: request,
		IssuedAt: issuedAt.UTC().Truncate(time.Second), Certificate: pki.EncodeCertificates(cert),
	}
}

func (r Record) configMap() *corev1.ConfigMap {
	groups, _ := json.Marshal(append([]string{}, r.Groups...)) // strings can be encoded
	data := map[string]string{
		"user": r.User, "groups": string(groups), "serial": r.Serial, "sha256": r.Fingerprint,
		"notBefore": r.NotBefore.Format(time.RFC3339), "notAfter": r.NotAfter.Format(time.RFC3339),
		"signer": r.Signer, "requestedBy": r.RequestedBy, "approvedBy": r.ApprovedBy,
		"request": r.Request, "issuedAt": r.IssuedAt.Format(time.RFC3339),
		RecordCertificate: string(r.Certificate),
	}
	if r.Ended != nil {
		data["ended"] = r.Ended.UTC().Format(time.RFC3339)
	}
	meta := metav1.ObjectMeta{
		Name: r.Name, Namespace: RecordNamespace,
		Labels: labels(r.User), Annotations: map[string]string{UserAnnotation: r.User},
	}
	meta.Labels[RecordLabel] = recordIssued
	return &corev1.ConfigMap{ObjectMeta: meta, Data: data}
}

// readRecord reads what configMap wrote, and more: somebody may have been at
// it.
func readRecord(from *corev1.ConfigMap) (Record, error) {
	d := from.Data
	r := Record{
		Name: from.Name, User: d["user"], Serial: d["serial"], Fingerprint: d["sha256"],
		Signer: d["signer"], RequestedBy: d["requestedBy"], ApprovedBy: d["approvedBy"], Request: d["request"],
		Certificate: []byte(d[RecordCertificate]),
	}
	if err := json.Unmarshal([]byte(d["groups"]), &r.Groups); err != nil {
		return r, fmt.Errorf("groups: %w", err)
	}
	times := map[string]*time.Time{"notBefore": &r.NotBefore, "notAfter": &r.NotAfter, "issuedAt": &r.IssuedAt}
	if d["ended"] != "" {
		r.Ended = &time.Time{}
		times["ended"] = r.Ended
	}
	for _, key := range []string{"notBefore", "notAfter", "issuedAt", "ended"} {
		if times[key] == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, d[key])
		if err != nil {
			return r, fmt.Errorf("%s: %q is no time", key, d[key])
		}
		*times[key] = at.UTC()
	}
	return r, nil
}

// Save writes a record into the cluster. A record that is there already is
// the same one.
func Save(ctx context.Context, client kubernetes.Interface, r Record) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	_, err := client.CoreV1().ConfigMaps(RecordNamespace).Create(ctx, r.configMap(), metav1.CreateOptions{FieldManager: fieldManager})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	if apierrors.IsForbidden(err) {
		return hint.New("forbidden: you may not create configmaps -n "+RecordNamespace,
			"it will be missing from: kubectl certs issued; ask for that permission, or let an administrator issue")
	}
	return fmt.Errorf("creating ConfigMap %s/%s: %w", RecordNamespace, r.Name, err)
}

// Records are what was read of the records.
type Records struct {
	// Items are in the order in which they were issued.
	Items []Record
	// Damaged says which records could not be read, and why.
	Damaged []string
}

// List reads the records of user, or of all users if it is "".
func List(ctx context.Context, client kubernetes.Interface, user string) (*Records, error) {
	const page = 500
	var records Records
	options := metav1.ListOptions{LabelSelector: Selector(user) + "," + RecordLabel + "=" + recordIssued, Limit: page}
	for {
		pageCtx, cancel := context.WithTimeout(ctx, objectTimeout)
		list, err := client.CoreV1().ConfigMaps(RecordNamespace).List(pageCtx, options)
		cancel()
		if apierrors.IsForbidden(err) {
			return nil, permit.NewMissing([]string{"list configmaps -n " + RecordNamespace}, "ask an administrator for a Role with that, where the records are kept")
		}
		if err != nil {
			return nil, fmt.Errorf("reading the records of issued certificates: %w", err)
		}
		for i := range list.Items {
			r, err := readRecord(&list.Items[i])
			if err != nil {
				records.Damaged = append(records.Damaged, fmt.Sprintf("ConfigMap %s/%s: %s", RecordNamespace, list.Items[i].Name, err))
				continue
			}
			if user == "" || r.User == user { // hashes may collide
				records.Items = append(records.Items, r)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	slices.SortStableFunc(records.Items, func(a, b Record) int {
		if c := a.IssuedAt.Compare(b.IssuedAt); c != 0 {
			return c
		}
		return strings.Compare(a.User+"\x00"+a.Name, b.User+"\x00"+b.Name)
	})
	return &records, nil
}
