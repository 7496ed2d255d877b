package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// Recipient is a public key that can be encrypted to.
type Recipient = age.Recipient

// Identity is a private key that opens what was encrypted to it.
type Identity = age.Identity

// most is the most that is read out of an encrypted file.
const most = 8 << 20

// ParseRecipients reads the public keys in text: lines of ssh-ed25519 and
// ssh-rsa keys, as in an id_ed25519.pub or an authorized_keys file, and age
// recipients. Other kinds of SSH keys cannot be encrypted to, and are passed
// over where there is one that can.
func ParseRecipients(text string) ([]Recipient, error) {
	var recipients []Recipient
	var fault error
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := parseRecipient(line)
		if err != nil {
			fault = err
			continue
		}
		recipients = append(recipients, r)
	}
	if len(recipients) > 0 {
		return recipients, nil
	}
	if fault == nil {
		fault = errors.New("it contains no public key")
	}
	return nil, hint.Wrap(fault, "use an ssh-ed25519 or ssh-rsa public key, as in ~/.ssh/id_ed25519.pub, or an age recipient (age1...)")
}

func parseRecipient(line string) (Recipient, error) {
	if strings.Contains(line, "PRIVATE KEY") || strings.HasPrefix(line, "AGE-SECRET-KEY-") {
		return nil, hint.New("this is a private key", "use the public key, and keep the private key to yourself")
	}
	if strings.HasPrefix(line, "age1") {
		found, err := age.ParseRecipients(strings.NewReader(line))
		if err != nil {
			return nil, errors.New("this is not an age recipient")
		}
		return found[0], nil
	}
	r, err := agessh.ParseRecipient(line)
	if err == nil {
		return r, nil
	}
	if key, _, _, _, parseErr := ssh.ParseAuthorizedKey([]byte(line)); parseErr == nil {
		return nil, fmt.Errorf("encryption to SSH keys of type %s is not supported", key.Type())
	}
	return nil, errors.New("this is not an SSH public key")
}

// Encrypt returns data as an armored age file that any of recipients can open.
func Encrypt(data []byte, recipients []Recipient) ([]byte, error) {
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if err := armored.Close(); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return out.Bytes(), nil
}

// IsEncrypted reports whether data is an age file.
func IsEncrypted(data []byte) bool {
	data = bytes.TrimSpace(data)
	return bytes.HasPrefix(data, []byte(armor.Header)) || bytes.HasPrefix(data, []byte("age-encryption.org/"))
}

// ParseIdentity reads a private key that opens age files: an SSH key as in
// ~/.ssh/id_ed25519, or a file of age identities. Where it is protected,
// passphrase is asked, once it is known that the key is the right one.
func ParseIdentity(data []byte, passphrase func() ([]byte, error)) ([]Identity, error) {
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		identities, err := age.ParseIdentities(bytes.NewReader(data))
		if err != nil {
			// The parser's own words may quote the key.
			return nil, errors.New("this is neither an SSH private key nor a file of age identities")
		}
		return identities, nil
	}
	identity, err := agessh.ParseIdentity(data)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if missing.PublicKey == nil {
			return nil, hint.New("it is protected by a passphrase in an old format that does not contain the public key",
				"convert it: ssh-keygen -p -f FILE")
		}
		identity, err = agessh.NewEncryptedSSHIdentity(missing.PublicKey, data, passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("reading an SSH private key: %w", err)
	}
	return []Identity{identity}, nil
}

// ErrNotForYou says that none of the identities opens the file.
var ErrNotForYou = errors.New("it was encrypted to another key")

// Decrypt opens an age file.
func Decrypt(data []byte, identities []Identity) ([]byte, error) {
	data = bytes.TrimSpace(data)
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte(armor.Header)) {
		r = armor.NewReader(r)
	}
	opened, err := age.Decrypt(r, identities...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrNotForYou
	}
	if err != nil {
		return nil, fmt.Errorf("decrypting: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(opened, most))
	if err != nil {
		return nil, fmt.Errorf("decrypting: it is damaged: %w", err)
	}
	return text, nil
}
