package access

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// RecordLabel tells records from whatever else this program may come to keep.
const (
	RecordLabel  = "certs.kubectl.dev/record"
	recordIssued = "issued"
	// RecordNamespace is where records are kept: administrators alone may write
	// there.
	RecordNamespace = metav1.NamespaceSystem
	// RecordCertificate is the key of the certificate in a record's ConfigMap.
	RecordCertificate = "certificate"
)

// Record is what the cluster remembers of a certificate that was issued: the
// CertificateSigningRequest API itself forgets it within the hour. There is
// never a key in it.
type Record struct {
	// Name is the ConfigMap's, or the one that it would have.
	Name string `json:"name"`
	// User is the user that the certificate names.
	User string `json:"user"`
	// Groups are those that the certificate names.
	Groups []string `json:"groups,omitempty"`
	// Serial is the certificate's serial number, in hexadecimal.
	Serial string `json:"serial"`
	// Fingerprint identifies the certificate: the SHA-256 of its DER, in hexadecimal.
	// Without a certificate, it is what the record says.
	Fingerprint string `json:"sha256"`
	// NotBefore is when the certificate's validity period begins.
	NotBefore time.Time `json:"notBefore"`
	// NotAfter is when the certificate expires.
	NotAfter time.Time `json:"notAfter"`
	// Signer is the signerName of the request.
	Signer string `json:"signer"`
	// RequestedBy is the user who created the request.
	RequestedBy string `json:"requestedBy"`
	// ApprovedBy is the user who approved the request; absent where it was another
	// user, or a controller: the API does not name them.
	ApprovedBy string `json:"approvedBy,omitempty"`
	// Request is the name of the CertificateSigningRequest.
	Request string `json:"request"`
	// IssuedAt is when the certificate was issued; when it was requested, if it is
	// unrecorded.
	IssuedAt time.Time `json:"issuedAt"`
	// Ended is when the user's access was taken back; absent as long as it was
	// not.
	Ended *time.Time `json:"ended,omitempty"`
	// Damaged says where the record differs from the certificate in it, or why
	// that cannot be read or verified. User, groups, serial and dates are the
	// certificate's wherever there is one: any user who can write ConfigMaps in
	// kube-system can write anything beside it.
	Damaged []string `json:"damaged,omitempty"`
	// Certificate is what was issued, as PEM, for whoever looks at the cluster's
	// certificates later.
	Certificate []byte `json:"-"`
	// Verified says that the certificate was verified against the cluster's
	// client CA.
	Verified bool `json:"-"`
	// Claims are the users that the ConfigMap around the certificate speaks of,
	// where those are not the certificate's.
	Claims []string `json:"-"`
	// Unrecorded says that there is no record: a request that the API server
	// still remembers tells of the certificate.
	Unrecorded bool `json:"-"`
	// Lost says that the certificate which was recorded is not there any more:
	// another one is in its place, or none.
	Lost bool `json:"-"`
	// claimedHash is UserHashLabel where the record is damaged.
	claimedHash string
}

// NewRecord returns the record of cert.
func NewRecord(cert *x509.Certificate, signer, requestedBy, approvedBy, request string, issuedAt time.Time) Record {
	sum := sha256.Sum256(cert.Raw)
	fingerprint := hex.EncodeToString(sum[:])
	subject := pki.SubjectOf(cert)
	return Record{
		Name: recordName(fingerprint),
		User: subject.CommonName, Groups: subject.Organizations,
		Serial: cert.SerialNumber.Text(16), Fingerprint: fingerprint,
		NotBefore: pki.UTC(cert.NotBefore), NotAfter: pki.UTC(cert.NotAfter),
		Signer: signer, RequestedBy: requestedBy, ApprovedBy: approvedBy, Request: request,
		IssuedAt: issuedAt.UTC().Truncate(time.Second), Certificate: pki.EncodeCertificates(cert),
	}
}

// recordPrefix begins the name of each record.
const recordPrefix = "certs-issued-"

func recordName(fingerprint string) string { return recordPrefix + fingerprint[:20] }

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

// Save writes a record into the cluster. A record that is there already is
// the same one.
func Save(ctx context.Context, client kubernetes.Interface, r Record) error {
	_, err := save(ctx, client, r)
	return err
}

// save is Save, and reports whether the record is new.
func save(ctx context.Context, client kubernetes.Interface, r Record) (created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	_, err = client.CoreV1().ConfigMaps(RecordNamespace).Create(ctx, r.configMap(), metav1.CreateOptions{FieldManager: fieldManager})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return err == nil, nil
	}
	if apierrors.IsForbidden(err) {
		return false, hint.New("forbidden: you may not create configmaps -n "+RecordNamespace,
			"it will be missing from: kubectl certs users; ask for that permission, or have an administrator issue it")
	}
	return false, fmt.Errorf("creating ConfigMap %s/%s: %w", RecordNamespace, r.Name, err)
}
