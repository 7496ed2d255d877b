package scan_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func tlsSecret(namespace, name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS, Data: data}
}

func TestSecrets(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	shop := pki.EncodeCertificates(ca.Issue(t, pkitest.Server("shop", "shop.example")))
	const at = "web/shop#tls.crt"
	tests := []struct {
		name         string
		data         map[string][]byte
		seen, faults []string
	}{
		{"a certificate", map[string][]byte{"tls.crt": shop}, []string{"shop: " + at}, nil},
		{"with its CA", map[string][]byte{"tls.crt": shop, "ca.crt": ca.PEM()}, []string{"issuer: web/shop#ca.crt", "shop: " + at}, nil},
		{"with its chain", map[string][]byte{"tls.crt": append(shop[:len(shop):len(shop)], ca.PEM()...)}, []string{"issuer: " + at, "shop: " + at}, nil},
		{"behind its CA", map[string][]byte{"tls.crt": append(ca.PEM(), shop...)}, []string{"issuer: " + at, "shop: " + at}, []string{at + ": begins with a CA; the certificate to present is number 2"}},
		{"with another CA between", map[string][]byte{"tls.crt": slices.Concat(shop, pkitest.NewCA(t, "other").PEM(), ca.PEM())}, []string{"other: " + at, "issuer: " + at, "shop: " + at}, []string{at + ": has CN=other after its certificate instead of the CA that signed it, CN=issuer"}},
		{"behind a byte order mark", map[string][]byte{"tls.crt": append([]byte("\ufeff"), shop...)}, nil, []string{at + ": cannot be read: PEM block 1 begins after a byte order mark"}},
		{"in one line", map[string][]byte{"tls.crt": bytes.ReplaceAll(shop, []byte("\n"), nil)}, nil, []string{at + ": cannot be read: PEM block 1 has lost its line breaks"}},
		{"nothing", nil, nil, []string{at + ": cannot be read: it is empty"}},
		{"garbage", map[string][]byte{"tls.crt": []byte("\x00\x1b[31m")}, nil, []string{at + ": cannot be read: it contains no PEM certificate"}},
		{"garbage DER", map[string][]byte{"tls.crt": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, nil, []string{at + ": cannot be read: PEM block 1"}},
		{"truncated", map[string][]byte{"tls.crt": shop[:len(shop)-30]}, nil, []string{at + ": cannot be read: PEM block 1 is truncated or damaged"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, contentType := range contentTypes {
				api := secretsAPI(t, contentType, tlsSecret("web", "shop", tt.data))
				check(t, read(long, scan.Secrets(api, scan.SecretSelection{Fallback: "web"})), tt.seen, tt.faults)
			}
		})
	}
}

// Of two Secrets with one certificate, the one with the wrong chain is blamed, and
// what is refused by Go's servers is critical.
func TestSecretsBlameTheRightOne(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	mid := ca.Intermediate(t, "mid")
	shop := pki.EncodeCertificates(mid.Issue(t, pkitest.Server("shop", "shop.example")))
	other := pkitest.NewCA(t, "other").PEM()
	joined := []byte(strings.TrimSpace(string(shop)) + string(mid.PEM()))
	for name, tt := range map[string]struct {
		chain []byte
		fine  bool
	}{
		"other CA":               {slices.Concat(shop, other, ca.PEM()), false},
		"other CA between":       {slices.Concat(shop, mid.PEM(), other, ca.PEM()), true}, // sent for nothing
		"root first":             {slices.Concat(ca.PEM(), shop), false},
		"two CAs first":          {slices.Concat(ca.PEM(), mid.PEM(), shop), false},
		"the other way round":    {slices.Concat(mid.PEM(), shop, ca.PEM()), false},
		"intermediate left out":  {slices.Concat(shop, ca.PEM()), false},
		"the certificate twice":  {slices.Concat(shop, shop, mid.PEM()), false},
		"fine":                   {slices.Concat(shop, mid.PEM()), true},
		"fine, with its root":    {slices.Concat(shop, mid.PEM(), ca.PEM()), true},
		"fine, and alone":        {shop, true}, // clients may have the rest
		"fine, with text":        {slices.Concat([]byte("subject=shop\n"), shop, []byte("\n# CA\n"), mid.PEM()), true},
		"joined on one line":     {joined, false},
		"joined, then whole":     {slices.Concat(joined, shop), false},
		"behind a mark, then CA": {slices.Concat([]byte("\ufeff"), shop, mid.PEM()), false},
	} {
		chain := tt.chain
		_, refused := tls.X509KeyPair(chain, keyPEM(t, "shop"))
		for _, order := range [][2]string{{"a", "z"}, {"z", "a"}} {
			inv := read(long, scan.Secrets(secretsAPI(t, runtime.ContentTypeProtobuf,
				tlsSecret("web", order[0], map[string][]byte{"tls.crt": slices.Concat(shop, mid.PEM())}),
				tlsSecret("web", order[1], map[string][]byte{"tls.crt": chain}),
			), scan.SecretSelection{Fallback: "web"}))
			critical := false
			for _, f := range inv.Findings {
				critical = critical || f.Severity == inventory.Critical ||
					f.Code == inventory.CodeUnreadable && refused != nil // for Go; nobody knows who else reads it
				if f.Where != "web/"+order[1]+"#tls.crt" {
					t.Errorf("%s: %s is blamed: %s", name, f.Where, f.Message)
				}
			}
			if critical != (refused != nil) || tt.fine == (len(inv.Findings) > 0) {
				t.Errorf("%s: critical %t, findings %+v; Go says %v", name, critical, inv.Findings, refused)
			}
			for _, e := range inv.Items { // the certificate, and each CA behind it
				if e.Status != inventory.OK {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
	}
}

// What the API sends beside the certificate is never looked at.
func TestSecretsLetsKeysGo(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	keyPEM, err := pki.EncodeKey(pkitest.Key("shop"))
	if err != nil {
		t.Fatal(err)
	}
	certificate := pki.EncodeCertificates(ca.Issue(t, pkitest.Server("shop", "shop.example")))
	// Also where somebody put the key into the certificate's place.
	inv := read(long, scan.Secrets(secretsAPI(t, runtime.ContentTypeProtobuf,
		tlsSecret("web", "shop", map[string][]byte{"tls.crt": append(certificate, keyPEM...), "tls.key": keyPEM}),
		tlsSecret("web", "swapped", map[string][]byte{"tls.crt": keyPEM, "tls.key": certificate}),
	), scan.SecretSelection{Fallback: "web"}))
	text, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Split(string(keyPEM), "\n")[1]
	if strings.Contains(string(text), body) || strings.Contains(string(text), "PRIVATE") {
		t.Errorf("the inventory holds the key:\n%s", text)
	}
	check(t, inv, []string{"shop: web/shop#tls.crt"}, []string{"web/swapped#tls.crt: cannot be read: it contains no PEM certificate"})
}

// Whoever may read the secrets of one namespace sees those, and what else there
// would be to see.
func TestSecretsFallsBack(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	shop := tlsSecret("web", "shop", map[string][]byte{"tls.crt": pki.EncodeCertificates(ca.Issue(t, pkitest.Server("shop", "s")))})
	page := encode(t, &corev1.SecretList{Items: []corev1.Secret{*shop}}, runtime.ContentTypeProtobuf)
	forbidden := encode(t, &apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", nil).ErrStatus, runtime.ContentTypeProtobuf)
	client := coreAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		if r.URL.Path == "/api/v1/namespaces/web/secrets" {
			_, _ = w.Write(page)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(forbidden)
	})
	check(t, read(long, scan.Secrets(client, scan.SecretSelection{Fallback: "web"})), []string{"shop: web/shop#tls.crt"}, []string{"secrets in all namespaces: forbidden"})
	check(t, read(long, scan.Secrets(client, scan.SecretSelection{Fallback: "other"})), nil, []string{"secrets in all namespaces: forbidden", "secrets in namespace other: forbidden"})
}

// Page after page is read, and asked of the server by type.
func TestSecretsReadsPages(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	pages := map[string][]byte{}
	for from, to := range map[string]string{"": "second", "second": "third", "third": ""} {
		secret := tlsSecret("web", "after-"+from, map[string][]byte{"tls.crt": pki.EncodeCertificates(ca.Issue(t, pkitest.Server("after-"+from, "s")))})
		pages[from] = encode(t, &corev1.SecretList{ListMeta: metav1.ListMeta{Continue: to}, Items: []corev1.Secret{*secret}}, runtime.ContentTypeProtobuf)
	}
	client := coreAPI(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if r.URL.Path != "/api/v1/secrets" || query.Get("fieldSelector") != "type=kubernetes.io/tls" || query.Get("limit") != "500" || query.Get("labelSelector") != "" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(pages[query.Get("continue")])
	})
	inv := read(long, scan.Secrets(client, scan.SecretSelection{Fallback: "web"}))
	if len(inv.Items) != 3 || len(inv.Skipped) > 0 {
		t.Errorf("got %d certificates, skipped %+v", len(inv.Items), inv.Skipped)
	}
	var at []inventory.Location
	for _, e := range inv.Items {
		at = append(at, e.Locations...)
	}
	if len(at) != 3 {
		t.Errorf("at %+v", at)
	}
}
