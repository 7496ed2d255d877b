package scan

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What a pod on a node prints is a stream of JSON objects, one a line: a first
// one that says so, one for each certificate, finding and skip, and a last one
// that counts them. There is room in it for certificates, public keys, paths and
// words of this program, and for nothing else: a private key has no way in.

// wireVersion names the form of the stream.
const wireVersion = "kubectl-certs/files/v1"

// Bounds of what is taken from a node, whose output may be anybody's.
const (
	mostWireBytes   = 64 << 20
	mostWireRecords = 2 * mostFiles
	mostWireText    = 4096
)

// record is one object of the stream. Exactly one of its parts is set.
type record struct {
	Version     string           `json:"version,omitempty"`
	Certificate *wireCertificate `json:"certificate,omitempty"`
	Finding     *wireFinding     `json:"finding,omitempty"`
	Skip        *wireSkip        `json:"skip,omitempty"`
	// End counts the certificates, findings and skips before it.
	End *int `json:"end,omitempty"`
}

type wireCertificate struct {
	Path  string   `json:"path"`
	Name  string   `json:"name"`
	Place string   `json:"place"`
	Row   string   `json:"row,omitempty"`
	Chain [][]byte `json:"chain"` // DER: the certificate, then its intermediates
	// PublicKey is the public half, as SubjectPublicKeyInfo, of the private key
	// that lies beside it.
	PublicKey []byte `json:"publicKey,omitempty"`
}

type wireFinding struct {
	Path string `json:"path"`
	inventory.Finding
}

type wireSkip struct {
	Path     string `json:"path"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint"`
	Expected bool   `json:"expected,omitempty"`
}

// WriteFiles reads the certificates in paths, as Files does, and writes them to
// w for ReadNode's caller on the other side. Only certificates and public keys
// are written, never what a file holds besides.
func WriteFiles(ctx context.Context, paths []string, w io.Writer) error {
	out := &wireWriter{encoder: json.NewEncoder(w)}
	out.write(record{Version: wireVersion})
	readFiles(ctx, NodeFilesSource, paths, nil, out)
	out.write(record{End: &out.count})
	return out.err
}

// wireWriter writes what is reported to it.
type wireWriter struct {
	encoder *json.Encoder
	count   int
	err     error // the first
}

func (w *wireWriter) write(r record) {
	if w.err == nil {
		w.err = w.encoder.Encode(r)
	}
}

func (w *wireWriter) See(s inventory.Sighting) {
	c := &wireCertificate{Path: s.Where, Name: s.Name, Place: string(s.Place), Row: s.Row, Chain: [][]byte{s.Certificate.Raw}}
	for _, between := range s.Intermediates {
		c.Chain = append(c.Chain, between.Raw)
	}
	if s.Key != nil {
		// It comes from a key that could be read, so that it can be written.
		c.PublicKey, _ = x509.MarshalPKIXPublicKey(s.Key)
	}
	w.count++
	w.write(record{Certificate: c})
}

func (w *wireWriter) Find(f inventory.PlaceFinding) {
	w.count++
	w.write(record{Finding: &wireFinding{f.Where, f.Finding}})
}

func (w *wireWriter) Skip(s inventory.Skip) {
	w.count++
	w.write(record{Skip: &wireSkip{s.Where, s.Reason, s.Hint, s.Expected}})
}

var (
	errNotOurs = errors.New("the pod printed something else than certificates")
	errCutOff  = errors.New("what the pod printed is cut off")
)

// readWire reports what a pod on node printed. It stops at the first thing that
// makes no sense; what came before that is reported.
func readWire(stream io.Reader, node string, to reporter) error {
	decoder := json.NewDecoder(io.LimitReader(stream, mostWireBytes))
	var first record
	if err := decoder.Decode(&first); err != nil || first.Version != wireVersion {
		return errNotOurs
	}
	for count := range mostWireRecords {
		var r record
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errCutOff
		} else if err != nil {
			return errNotOurs
		}
		switch {
		case r.End != nil:
			if *r.End != count {
				return errCutOff
			}
			return nil
		case r.Certificate != nil:
			s, err := r.Certificate.sighting(node)
			if err != nil {
				return err
			}
			to.See(s)
		case r.Finding != nil:
			to.Find(r.Finding.finding(node))
		case r.Skip != nil:
			to.Skip(inventory.Skip{Source: NodeFilesSource, Where: onNode(node, r.Skip.Path),
				Reason: cut(r.Skip.Reason), Hint: cut(r.Skip.Hint), Expected: r.Skip.Expected})
		default:
			return errNotOurs
		}
	}
	return errNotOurs
}

// onNode says where a file of a node lies.
func onNode(node, path string) string { return node + ":" + cut(path) }

// cut bounds text that a node chose.
func cut(text string) string {
	if len(text) > mostWireText {
		return text[:mostWireText]
	}
	return text
}

// filePlaces are the places that files can be.
var filePlaces = []catalog.Place{
	catalog.ServerCAFile, catalog.ClientCAFile, catalog.FrontProxyCAFile, catalog.EtcdCAFile, catalog.EtcdPeerCAFile,
	catalog.LeafFile, catalog.KubeconfigClient, catalog.KubeconfigCA, catalog.OtherContextClient, catalog.OtherContextCA,
}

func (c *wireCertificate) sighting(node string) (inventory.Sighting, error) {
	place := catalog.Place(c.Place)
	if !slices.Contains(filePlaces, place) || len(c.Chain) == 0 {
		return inventory.Sighting{}, errNotOurs
	}
	switch place { // a stranger's kubeconfig on a node is not the one in use here
	case catalog.KubeconfigClient:
		place = catalog.OtherContextClient
	case catalog.KubeconfigCA:
		place = catalog.OtherContextCA
	}
	var chain []*x509.Certificate
	for _, der := range c.Chain {
		cert, err := pki.ParseCertificate(der)
		if err != nil {
			return inventory.Sighting{}, fmt.Errorf("%w: %w", errNotOurs, err)
		}
		chain = append(chain, cert)
	}
	var key crypto.PublicKey
	if len(c.PublicKey) > 0 {
		var err error
		if key, err = x509.ParsePKIXPublicKey(c.PublicKey); err != nil {
			return inventory.Sighting{}, errNotOurs
		}
	}
	if _, known := catalog.Lookup(c.Row); !known {
		c.Row = ""
	}
	return inventory.Sighting{
		Location: inventory.Location{Source: NodeFilesSource, Where: onNode(node, c.Path)},
		Place:    place, Node: node, Name: onNode(node, c.Name), Row: c.Row,
		Certificate: chain[0], Intermediates: chain[1:], Key: key,
	}, nil
}

func (f *wireFinding) finding(node string) inventory.PlaceFinding {
	found := f.Finding
	found.Message, found.Fix = cut(found.Message), cut(found.Fix)
	if !slices.Contains(inventory.Codes(), found.Code) || !slices.Contains(inventory.Severities(), found.Severity) {
		found.Code, found.Severity = inventory.CodeUnreadable, inventory.Warning
	}
	return inventory.PlaceFinding{Location: inventory.Location{Source: NodeFilesSource, Where: onNode(node, f.Path)}, Finding: found}
}
