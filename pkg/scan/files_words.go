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
	noticeHeaders       noticeCode = "headers"
	noticeOrder         noticeCode = "order"
	noticeNoCurve       noticeCode = "unusable-algorithm"
	noticeBadKubeconfig noticeCode = "bad-kubeconfig"
	noticeInsecure      noticeCode = "insecure-skip"
	noticeBadSecret     noticeCode = "bad-secret"
	noticeKeyMissing    noticeCode = "key-missing"
)

const (
	asRoot      = "read it as root: sudo kubectl-certs inspect --files PATH"
	putAgain    = "look at what is stored there, and put the certificate there again"
	putKeyAgain = "put the private key that belongs to the certificate there again, from a backup, or issue a new pair"
	asPEM       = "write it as PEM: a line BEGIN CERTIFICATE, base64, a line END CERTIFICATE"
	orderPEM    = "put the certificate of the server or client first, behind it the CA that signed it, and so on"
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
	noticeNotRegular:   skipped(0, "it is no regular file", "name files and directories, no devices, pipes or sockets"),
	noticeCircle:       skipped(0, "symbolic links lead in circles", "fix the link"),
	noticeOutside:      skipped(1, "it links to {0}, which is not in this copy", "copy that too, or read the files on their own machine"),
	noticeTooLarge:     skipped(0, fmt.Sprintf("it is larger than %d MiB", mostFileBytes>>20), "no file with certificates is that large: take them out of it, and name those"),
	noticeConfTooLarge: skipped(0, fmt.Sprintf("it is a kubeconfig larger than %d MiB", mostConfBytes>>20), "split it: kubectl certs kubeconfig extract CONTEXT"),
	noticeInputOutput:  skipped(0, "{detail|reading it failed}", "check the path"),
	noticeTooDeep:      skipped(0, fmt.Sprintf("it lies more than %d directories deep", deepest), "name it itself"),
	noticeTooMany:      skipped(0, fmt.Sprintf("there are more than %d files", mostFiles), "name the directories that hold certificates"),
	noticeLate:         skipped(0, "not read in time", "name fewer files"),
	noticeBarren:       skipped(0, "there are no certificates in it", "name a directory or a file with certificates, kubeconfigs or manifests: PEM, DER, YAML or JSON"),
	noticeRefersGone:   skipped(1, "the file that it names is not there: {0}", "read the file on the machine that it is from, or copy that directory too"),
	noticeKeyClosed:    skipped(1, "permission denied: whether it fits {0} is not known", "compare them as root: sudo kubectl-certs inspect --files PATH"),
	noticeBadManifest:  skipped(0, "it is a manifest that is not valid YAML", "fix it: kubectl apply --dry-run=client -f FILE"),
	noticeKeystore:     skipped(1, "it is a {0}, which is not read here", "take the certificates out: openssl pkcs12 -nokeys, keytool -exportcert -rfc"),

	noticeKeysElse:    expected(0, "the private keys are not here, so whether they fit their certificates is not known", "compare them where the keys are"),
	noticeKeyLocked:   expected(1, "it has a passphrase: whether it fits {0} is not known", ""),
	noticeRequest:     expected(0, "a certificate request", ""),
	noticeRevocations: expected(3, "a certificate revocation list of {0} with {1} entries, next update {2}", "Kubernetes does not read such lists"),
	noticeSealed:      expected(0, "a manifest whose values are encrypted, or filled in later", ""),
	noticePassed:      expected(1, "files that hold no certificates (databases, other binary files, documents, source code): {0}", ""),
	noticeCopies:      expected(1, "certificates in copies and backups, listed and not judged as if in use: {0}", ""),

	noticeNothing:   unreadableFile(0, "no certificate in it", putAgain),
	noticeBadBlocks: unreadableFile(1, "{detail|PEM block {0} is damaged, or holds something that Go's parser, and so Kubernetes, refuses}", putAgain),
	noticeBadDER:    unreadableFile(0, "{detail|it is cut off, or something that Go's parser, and so Kubernetes, refuses}", putAgain),
	noticeWrongForm: unreadableFile(1, "it is a {0}, where Kubernetes reads certificates as PEM", asPEM),
	noticeDER:       unreadableFile(0, "it is a certificate as DER, where Kubernetes reads PEM", "convert it: openssl x509 -inform DER -in FILE -out FILE"),
	noticeUnseen:    unreadableFile(2, "PEM block {0} {1}", asPEM),
	noticeLabel:     unreadableFile(2, "PEM block {0} is a {1}, which Kubernetes passes over", "convert it: openssl x509 -in FILE -out FILE"),
	noticeHeaders:   unreadableFile(1, "PEM block {0} has headers, and Kubernetes passes over such a CA", "take the lines between BEGIN and the base64 out"),
	noticeOrder: {finding: inventory.CodeKeyMismatch, graver: true, args: 1,
		message: "does not begin with the certificate of its private key, which is number {0} in it: a server that loads this pair refuses it (private key does not match public key)",
		fix:     orderPEM},
	noticeNoCurve: {finding: inventory.CodeKeyUnusable, args: 1,
		message: "has a certificate for a key of the algorithm {0}: Kubernetes refuses this key",
		fix:     "issue a new pair with ECDSA P-256, RSA or Ed25519"},
	noticeBadKubeconfig: unreadableFile(0, "it is no valid kubeconfig", putAgain),
	noticeBadSecret:     unreadableFile(1, "{0} is neither a certificate as PEM nor its base64", putAgain),
	noticeInsecure: {finding: inventory.CodeInsecureSkip, milder: true,
		message: "lets anyone pose as the API server, and read what is sent to it",
		fix:     "put the cluster's CA into the kubeconfig, from a source you trust, and take insecure-skip-tls-verify out"},
	noticeKeyMissing: unusableKey(1, "the private key of {0} is not there", putKeyAgain),

	keyNotice(pki.KeyEmpty):       unusableKey(1, "the private key is an empty file (for {0})", putKeyAgain),
	keyNotice(pki.KeyCutOff):      unusableKey(1, "the private key is cut off or damaged (for {0})", putKeyAgain),
	keyNotice(pki.KeyUnseen):      unusableKey(1, "the private key's BEGIN line does not begin its line, so that Kubernetes does not see it (for {0})", putKeyAgain),
	keyNotice(pki.KeyCertificate): unusableKey(1, "it holds a certificate instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyRequest):     unusableKey(1, "it holds a certificate request instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyPublic):      unusableKey(1, "it holds a public key instead of the private key (for {0})", putKeyAgain),
	keyNotice(pki.KeyEncrypted):   unusableKey(1, "the private key has a passphrase, and no server asks for one (for {0})", "store it without: openssl pkey -in FILE -out FILE"),
	keyNotice(pki.KeyDER):         unusableKey(1, "the private key is stored as DER, where Kubernetes reads PEM (for {0})", "convert it: openssl pkey -inform DER -in FILE -out FILE"),
	keyNotice(pki.KeyUnsupported): unusableKey(2, "its algorithm is {1}: Kubernetes refuses this key (for {0})", "issue a new pair with ECDSA P-256, RSA or Ed25519"),
	keyNotice(pki.KeyMalformed):   unusableKey(1, "the private key cannot be parsed (for {0})", putKeyAgain),
	keyNotice(pki.KeyNone):        unusableKey(1, "no private key in it (for {0})", putKeyAgain),
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
	text := "a certificate request, no certificate: subject " + shownArg(subject)
	if names != "" {
		text += ", names " + shownArg(strings.TrimSpace(names))
	}
	text += ", key " + key
	if request.CheckSignature() != nil {
		text += "; its signature does not hold"
	}
	return text
}
