package scan

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// The notices. Those of keys and of blocks are named after pki.KeyFault and
// pki.BlockFault.
const (
	noticePermission   noticeCode = "permission"
	noticeGone         noticeCode = "gone"
	noticeNotRegular   noticeCode = "not-regular"
	noticeCircle       noticeCode = "circle"
	noticeOutside      noticeCode = "outside-the-copy"
	noticeTooLarge     noticeCode = "too-large"
	noticeConfTooLarge noticeCode = "kubeconfig-too-large"
	noticeInputOutput  noticeCode = "input-output"
	noticeTooDeep      noticeCode = "too-deep"
	noticeTooMany      noticeCode = "too-many"
	noticeLate         noticeCode = "late"
	noticeBarren       noticeCode = "barren"
	noticeRefersGone   noticeCode = "refers-to-nothing"
	noticeKeyClosed    noticeCode = "key-permission"
	noticeKeysElse     noticeCode = "keys-elsewhere"
	noticeKeyLocked    noticeCode = "key-locked"
	noticeRequest      noticeCode = "request"
	noticeRevocations  noticeCode = "revocations"
	noticeKeystore     noticeCode = "keystore"
	noticeSealed       noticeCode = "sealed-manifest"
	noticeBadManifest  noticeCode = "bad-manifest"
	noticePassed       noticeCode = "passed-over"
	noticeCopies       noticeCode = "copies"

	noticeNothing       noticeCode = "no-certificate"
	noticeBadBlocks     noticeCode = "bad-blocks"
	noticeBadDER        noticeCode = "bad-der"
	noticeWrongForm     noticeCode = "wrong-form"
	noticeDER           noticeCode = "der"
	noticeUnseen        noticeCode = "unseen-block"
	noticeLabel         noticeCode = "other-label"
	noticeMisnamed      noticeCode = "misspelled-label"
	noticeHeaders       noticeCode = "headers"
	noticeOrder         noticeCode = "order"
	noticeNoCurve       noticeCode = "unusable-algorithm"
	noticeBadKubeconfig noticeCode = "bad-kubeconfig"
	noticeBothGiven     noticeCode = "both-given"
	noticeNoContext     noticeCode = "no-context"
	noticeAnonymous     noticeCode = "key-alone"
	noticeSystemRoots   noticeCode = "system-roots"
	noticeInsecure      noticeCode = "insecure-skip"
	noticeBadSecret     noticeCode = "bad-secret"
	noticeKeyMissing    noticeCode = "key-missing"
)

const (
	asRoot      = "read it as root: sudo kubectl-certs inspect --files PATH"
	putAgain    = "check what is stored there, and restore the certificate"
	putKeyAgain = "restore the matching private key from a backup, or issue a new pair"
	asPEM       = "store it as PEM: a BEGIN CERTIFICATE line, base64, an END CERTIFICATE line"
	orderPEM    = "put the server or client certificate first, followed by the CA that signed it, and so on"
)

func skipped(args int, message, hint string) wording {
	return wording{args: args, message: message, fix: hint}
}

func expected(args int, message, hint string) wording {
	return wording{args: args, message: message, fix: hint, expected: true}
}

func unreadableFile(args int, message, fix string) wording {
	return wording{finding: inventory.CodeUnreadable, args: args, message: "cannot be read: " + message, fix: fix}
}

func unusableKey(args int, message, fix string) wording {
	return wording{finding: inventory.CodeKeyUnusable, args: args, message: "cannot be used: " + message, fix: fix}
}

// words are what each notice says.
var words = map[noticeCode]wording{
	noticePermission:   skipped(0, "permission denied", asRoot),
	noticeGone:         skipped(0, "no such file or directory", "check the path"),
	noticeNotRegular:   skipped(0, "it is not a regular file", "specify files and directories, not devices, pipes or sockets"),
	noticeCircle:       skipped(0, "symbolic link loop", "fix the link"),
	noticeOutside:      skipped(1, "it links to {0}, which is not in this copy", "copy that too, or read the files on their own machine"),
	noticeTooLarge:     skipped(0, fmt.Sprintf("it is larger than %d MiB", mostFileBytes>>20), "copy the certificates to a smaller file, and read that"),
	noticeConfTooLarge: skipped(0, fmt.Sprintf("it is a kubeconfig larger than %d MiB", mostConfBytes>>20), "split it: kubectl certs kubeconfig extract CONTEXT"),
	noticeInputOutput:  skipped(0, "{detail|reading it failed}", "check the path"),
	noticeTooDeep:      skipped(0, fmt.Sprintf("it is more than %d directories deep", deepest), "specify it directly"),
	noticeTooMany:      skipped(0, fmt.Sprintf("there are more than %d files", mostFiles), "specify the directories with certificates"),
	noticeLate:         skipped(0, "timed out", "read fewer files"),
	noticeBarren:       skipped(0, "it contains no certificates", "specify a directory or a file with certificates, kubeconfigs or manifests: PEM, DER, YAML or JSON"),
	noticeRefersGone:   skipped(1, "the file it refers to is missing: {0}", "read it on its own machine, or copy that directory too"),
	noticeKeyClosed:    skipped(1, "permission denied: cannot check whether it matches {0}", "compare them as root: sudo kubectl-certs inspect --files PATH"),
	noticeBadManifest:  skipped(0, "it is a manifest with invalid YAML", "fix it: kubectl apply --dry-run=client -f FILE"),
	noticeKeystore:     skipped(1, "it is a {0}, which is not supported", "extract the certificates: openssl pkcs12 -nokeys, keytool -exportcert -rfc"),
	noticeSystemRoots:  skipped(0, "it has no CA: cannot check whether the system's root CAs of its machine verify the API server", "add the cluster's CA as certificate-authority-data"),

	noticeKeysElse:    expected(0, "the private keys are not here: cannot check whether they match their certificates", "compare them where the keys are"),
	noticeKeyLocked:   expected(1, "it has a passphrase: cannot check whether it matches {0}", ""),
	noticeRequest:     expected(0, "a certificate request", ""),
	noticeRevocations: expected(3, "a certificate revocation list of {0} with {1} entries, next update {2}", "Kubernetes does not read such lists"),
	noticeSealed:      expected(0, "a manifest with encrypted or templated values", ""),
	noticePassed:      expected(1, "files without certificates (databases, other binary files, documents, source code): {0}", ""),
	noticeCopies:      expected(1, "certificates in copies and backups, listed but not checked: {0}", ""),

	noticeNothing:   unreadableFile(0, "it contains no certificate", putAgain),
	noticeBadBlocks: unreadableFile(1, "{detail|PEM block {0} is damaged, or is refused by Go's parser, and therefore by Kubernetes}", putAgain),
	noticeBadDER:    unreadableFile(0, "{detail|it is truncated, or is refused by Go's parser, and therefore by Kubernetes}", putAgain),
	noticeWrongForm: unreadableFile(1, "it is a {0}, but Kubernetes reads certificates as PEM", asPEM),
	noticeDER:       unreadableFile(0, "it is a certificate in DER, but Kubernetes reads PEM", "convert it: openssl x509 -inform DER -in FILE -out FILE"),
	noticeUnseen:    unreadableFile(2, "PEM block {0} {1}", asPEM),
	noticeLabel:     unreadableFile(2, "PEM block {0} is a {1}, which Kubernetes ignores", "convert it: openssl x509 -in FILE -out FILE"),
	noticeMisnamed:  unreadableFile(2, "PEM block {0} is a certificate under the label {1}, which Kubernetes ignores", "write CERTIFICATE on its BEGIN and END lines"),
	noticeHeaders:   unreadableFile(1, "PEM block {0} has headers, and Kubernetes ignores such CAs", "remove the lines between BEGIN and the base64"),
	noticeOrder: {finding: inventory.CodeKeyMismatch, graver: true, args: 1,
		message: "does not begin with the certificate of its private key, which is number {0}: servers refuse this pair (private key does not match public key)",
		fix:     orderPEM},
	noticeNoCurve: {finding: inventory.CodeKeyUnusable, args: 1,
		message: "has a certificate with a key of type {0}: Kubernetes refuses this key",
		fix:     "issue a new pair with ECDSA P-256, RSA or Ed25519"},
	noticeBadKubeconfig: unreadableFile(0, "it is not a valid kubeconfig", putAgain),
	noticeBadSecret:     unreadableFile(1, "{0} is neither a certificate as PEM nor its base64", putAgain),
	noticeBothGiven: {finding: inventory.CodeUnreadable, args: 2,
		message: "is refused by Kubernetes clients: it has both {0} and {1}",
		fix:     "remove one of the two: kubectl config view --kubeconfig FILE shows what is set"},
	noticeNoContext: {finding: inventory.CodeUnreadable, args: 1,
		message: "cannot be used: its current-context {0}",
		fix:     "set current-context to a context whose cluster and user exist: kubectl config use-context NAME --kubeconfig FILE"},
	noticeAnonymous: {finding: inventory.CodeUnreadable,
		message: "has a private key without a client certificate: its user is anonymous to the API server",
		fix:     "add the client certificate of that key"},
	noticeInsecure: {finding: inventory.CodeInsecureSkip, milder: true,
		message: "allows anyone to impersonate the API server, and read all traffic",
		fix:     "add the cluster's CA from a trusted source to the kubeconfig, and remove insecure-skip-tls-verify"},
	noticeKeyMissing: unusableKey(1, "the private key of {0} is missing", putKeyAgain),

	keyNotice(pki.KeyEmpty):       unusableKey(1, "the private key is an empty file (for {0})", putKeyAgain),
	keyNotice(pki.KeyCutOff):      unusableKey(1, "the private key is truncated or damaged (for {0})", putKeyAgain),
	keyNotice(pki.KeyUnseen):      unusableKey(1, "the BEGIN line of the private key does not begin at the start of its line, so Kubernetes ignores it (for {0})", putKeyAgain),
	keyNotice(pki.KeyCertificate): unusableKey(1, "it contains a certificate instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyRequest):     unusableKey(1, "it contains a certificate request instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyPublic):      unusableKey(1, "it contains a public key instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyEncrypted):   unusableKey(1, "the private key has a passphrase, which servers do not support (for {0})", "remove the passphrase: openssl pkey -in FILE -out FILE"),
	keyNotice(pki.KeyDER):         unusableKey(1, "the private key is in DER, but Kubernetes reads PEM (for {0})", "convert it: openssl pkey -inform DER -in FILE -out FILE"),
	keyNotice(pki.KeyUnsupported): unusableKey(2, "its type is {1}: Kubernetes refuses this key (for {0})", "issue a new pair with ECDSA P-256, RSA or Ed25519"),
	keyNotice(pki.KeyMalformed):   unusableKey(1, "the private key cannot be parsed (for {0})", putKeyAgain),
	keyNotice(pki.KeyNone):        unusableKey(1, "it contains no private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyNotAlone):    unusableKey(1, "the first private key in it cannot be parsed, and servers load the first (for {0})", putKeyAgain),
}

// keyNotice is the notice of a key with a fault.
func keyNotice(fault pki.KeyFault) noticeCode { return noticeCode("key-" + string(fault)) }

// requestText says who asks for what in a certificate request.
func requestText(der []byte) string {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return "a certificate request that cannot be parsed"
	}
	subject, names, key := pki.DescribeRequest(request)
	text := "a certificate request, not a certificate: subject " + shownArg(subject)
	if names != "" {
		text += ", names " + shownArg(strings.TrimSpace(names))
	}
	text += ", key " + key
	if request.CheckSignature() != nil {
		text += "; its signature is invalid"
	}
	return text
}
