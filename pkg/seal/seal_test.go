// These tests promise that what is sealed opens with the right key and with no
// other, and that nothing is ever sealed to a key that cannot open it.
package seal_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/seal"
)

// sshKey returns a key pair as ssh-keygen writes it; passphrase "" for none.
func sshKey(t *testing.T, key any, passphrase string) (public string, private []byte) {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(signer.PublicKey())), pem.EncodeToMemory(block)
}

func ed25519Key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// noPassphrase fails the test when it is asked for one.
func noPassphrase(t *testing.T) func() ([]byte, error) {
	return func() ([]byte, error) {
		t.Error("it asks for a passphrase")
		return nil, errors.New("none")
	}
}

func TestSealAndOpen(t *testing.T) {
	ageIdentity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edPrivate := sshKey(t, ed25519Key(t), "")
	rsaPublic, rsaPrivate := sshKey(t, rsaKey(t), "")
	lockedPublic, lockedPrivate := sshKey(t, ed25519Key(t), "open sesame")
	_, other := sshKey(t, ed25519Key(t), "")
	tests := []struct {
		name       string
		public     string
		private    []byte
		passphrase string
	}{
		{"SSH Ed25519", edPublic, edPrivate, ""},
		{"SSH RSA", rsaPublic, rsaPrivate, ""},
		{"SSH with a passphrase", lockedPublic, lockedPrivate, "open sesame"},
		{"age", ageIdentity.Recipient().String(), []byte("# mine\n" + ageIdentity.String() + "\n"), ""},
		{"with a comment and a blank line", "# alice's\n\n" + edPublic, edPrivate, ""},
		{"among keys that cannot be encrypted to", "ecdsa-sha2-nistp256 AAAA x\n" + edPublic, edPrivate, ""},
	}
	secret := []byte("secret")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			recipients, err := seal.ParseRecipients(tt.public)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := seal.Encrypt(secret, recipients)
			if err != nil {
				t.Fatal(err)
			}
			if !seal.IsEncrypted(sealed) || bytes.Contains(sealed, secret) {
				t.Errorf("it is not sealed:\n%s", sealed)
			}
			ask := noPassphrase(t)
			if tt.passphrase != "" {
				ask = func() ([]byte, error) { return []byte(tt.passphrase), nil }
			}
			identities, err := seal.ParseIdentity(tt.private, ask)
			if err != nil {
				t.Fatal(err)
			}
			// As it is after a trip through a mail program.
			mailed := append([]byte("\n"), bytes.ReplaceAll(sealed, []byte("\n"), []byte("\r\n"))...)
			for _, form := range [][]byte{sealed, mailed} {
				if got, err := seal.Decrypt(form, identities); err != nil || !bytes.Equal(got, secret) {
					t.Errorf("opened to %q, %v", got, err)
				}
			}
			strangers, err := seal.ParseIdentity(other, noPassphrase(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := seal.Decrypt(sealed, strangers); !errors.Is(err, seal.ErrNotForYou) {
				t.Errorf("a stranger gets: %v", err)
			}
			damaged := bytes.Replace(sealed, []byte("\n-----END"), []byte("AAAA\n-----END"), 1)
			if _, err := seal.Decrypt(damaged, identities); err == nil {
				t.Error("it opens although it is damaged")
			}
		})
	}
}

// The passphrase of a key is asked for only where that key is the right one.
func TestPassphraseOfTheRightKeyOnly(t *testing.T) {
	public, private := sshKey(t, ed25519Key(t), "")
	_, locked := sshKey(t, ed25519Key(t), "secret")
	recipients, err := seal.ParseRecipients(public)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal.Encrypt([]byte("x"), recipients)
	if err != nil {
		t.Fatal(err)
	}
	first, err := seal.ParseIdentity(locked, noPassphrase(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := seal.ParseIdentity(private, noPassphrase(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Decrypt(sealed, append(first, second...)); err != nil {
		t.Error(err)
	}
}

func TestParseRecipientsRefuses(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecdsaPublic, ecdsaPrivate := sshKey(t, key, "")
	tests := []struct{ name, input, want string }{
		{"nothing", "", "it contains no public key"},
		{"comments", "# none\n", "it contains no public key"},
		{"an ECDSA key", ecdsaPublic, "encryption to SSH keys of type ecdsa-sha2-nistp256"},
		{"a private key", string(ecdsaPrivate), "this is"},
		{"an age secret key", "AGE-SECRET-KEY-1XXX", "this is a private key"},
		{"half an age recipient", "age1abc", "this is not an age recipient"},
		{"prose", "alice's key", "this is not an SSH public key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := seal.ParseRecipients(tt.input)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error that says %q", got, err, tt.want)
			}
		})
	}
}

// What is wrong with a private key is said without quoting it.
func TestParseIdentityQuotesNothing(t *testing.T) {
	const secret = "AGE-SECRET-KEY-1NOTREALLYONE"
	for _, input := range []string{secret, "-----BEGIN OPENSSH PRIVATE KEY-----\n" + secret + "\n-----END OPENSSH PRIVATE KEY-----\n", ""} {
		if _, err := seal.ParseIdentity([]byte(input), noPassphrase(t)); err == nil || strings.Contains(err.Error(), "NOTREALLY") {
			t.Errorf("error %v", err)
		}
	}
}

func TestPKCS12(t *testing.T) {
	for _, keyType := range pki.KeyTypes() {
		t.Run(string(keyType), func(t *testing.T) {
			t.Parallel()
			key, err := pki.GenerateKey(keyType)
			if err != nil {
				t.Fatal(err)
			}
			keyPEM, err := pki.EncodeKey(key)
			if err != nil {
				t.Fatal(err)
			}
			ca := pkitest.NewCA(t, "kubernetes")
			cert := ca.Sign(t, key.Public(), pki.Subject{CommonName: "alice"})
			data, err := seal.PKCS12(pki.EncodeCertificates(cert, ca.Certificate), keyPEM, "pässword")
			if err != nil {
				t.Fatal(err)
			}
			// An INTEGER of 600,000 each for the certificates, the key and the MAC.
			if rounds := bytes.Count(data, []byte{2, 3, 0x09, 0x27, 0xc0}); rounds != 3 {
				t.Errorf("%d of 3 have 600,000 iterations", rounds)
			}
			gotKey, got, chain, err := pkcs12.DecodeChain(data, "pässword")
			if err != nil || !got.Equal(cert) || len(chain) != 1 {
				t.Fatalf("got %v with a chain of %d, %v", got, len(chain), err)
			}
			if signer, err := pki.ParseKey(keyPEM); err != nil || !pki.SamePublicKey(signer.Public(), cert.PublicKey) || gotKey == nil {
				t.Errorf("the key does not fit: %v", err)
			}
			if _, _, _, err := pkcs12.DecodeChain(data, "password"); err == nil {
				t.Error("another password opens it")
			}
		})
	}
	if _, err := seal.PKCS12(nil, nil, ""); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("without a password: %v", err)
	}
	if _, err := seal.PKCS12(pki.EncodeCertificates(pkitest.NewCA(t, "x").Certificate), nil, "p"); err == nil || !strings.Contains(err.Error(), "no private key") {
		t.Errorf("without a key: %v", err)
	}
}
