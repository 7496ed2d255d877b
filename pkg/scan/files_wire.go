package scan

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What a pod on a node prints is a stream of JSON objects, one a line: a first
// one that says so, one for each certificate and notice, and a last one that
// counts them. There is room in it for certificates, public keys, requests, paths
// and codes, and for nothing else: a private key has no way in, and no sentence of
// a node a way out. Words are made by whoever reads it.

// wireVersion names the form of the stream.
const wireVersion = "kubectl-certs/files/v3"

// Bounds of what is taken from a node, whose output may be anybody's.
const (
	mostWireBytes   = 64 << 20
	mostWireRecords = 2 * mostFiles
	mostWireText    = 512
)

// record is one object of the stream. Exactly one of its parts is set.
type record struct {
	Version     string           `json:"version,omitempty"`
	Certificate *wireCertificate `json:"certificate,omitempty"`
	Notice      *wireNotice      `json:"notice,omitempty"`
	// LookedFor names rows of the catalog whose files were looked for.
	LookedFor []string `json:"lookedFor,omitempty"`
	// End counts the records before it.
	End *int `json:"end,omitempty"`
}

type wireCertificate struct {
	Path string `json:"path"`
	// Part is what the certificate has behind the path in its name: "#2".
	Part  string `json:"part,omitempty"`
	Place string `json:"place"`
	Row   string `json:"row,omitempty"`
	// Server and Address are host:port, and the name, of the server that whose
	// kubeconfig it is connects to.
	Server  string   `json:"server,omitempty"`
	Address string   `json:"address,omitempty"`
	Chain   [][]byte `json:"chain"` // DER: the certificate, then its intermediates
	// PublicKey is the public half, as SubjectPublicKeyInfo, of the private key
	// that lies beside it.
	PublicKey []byte `json:"publicKey,omitempty"`
}

type wireNotice struct {
	Path string `json:"path"`
	notice
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

func (w *wireWriter) see(s inventory.Sighting) {
	c := &wireCertificate{Path: s.Where, Part: strings.TrimPrefix(s.Name, s.Where), Place: string(s.Place), Row: s.Row, Server: s.Server, Address: s.Address, Chain: [][]byte{s.Certificate.Raw}}
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

func (w *wireWriter) note(where string, n notice) {
	w.count++
	w.write(record{Notice: &wireNotice{where, n}})
}

func (w *wireWriter) look(rows []string) {
	if len(rows) > 0 {
		w.count++
		w.write(record{LookedFor: rows})
	}
}

var (
	errNotOurs = errors.New("the output of the pod is not a list of certificates")
	errCutOff  = errors.New("the output of the pod is truncated")
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
			to.see(s)
		case r.Notice != nil:
			if err := r.Notice.valid(); err != nil {
				return err
			}
			to.note(onNode(node, r.Notice.Path), r.Notice.notice)
		case r.LookedFor != nil:
			to.look(r.LookedFor)
		default:
			return errNotOurs
		}
	}
	return errNotOurs
}

// onNode says where a file of a node lies. A path that could be taken for
// something else stands in quotes.
func onNode(node, path string) string { return node + ":" + shownPathOf(path) }

// shownPathOf is a path that a node chose.
func shownPathOf(path string) string {
	path = cutTo(path, mostWireText)
	odd := func(c rune) bool { return !unicode.IsGraphic(c) || unicode.IsSpace(c) || c == '"' || c == '\'' }
	if strings.ContainsFunc(path, odd) {
		return strconv.Quote(path)
	}
	return path
}

// cutTo bounds text that somebody else chose.
func cutTo(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// filePlaces are the places that files can be.
var filePlaces = []catalog.Place{
	catalog.ServerCAFile, catalog.ClientCAFile, catalog.FrontProxyCAFile, catalog.EtcdCAFile, catalog.EtcdPeerCAFile,
	catalog.LeafFile, catalog.CopyFile, catalog.KubeconfigClient, catalog.KubeconfigCA, catalog.OtherContextClient, catalog.OtherContextCA,
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
		Place:    place, Node: node, Name: onNode(node, c.Path+c.Part), Row: c.Row, Server: address(c.Server), Address: address(c.Address),
		Certificate: chain[0], Intermediates: chain[1:], Key: key,
	}, nil
}

// addressForm is what a host name, an IP address, or either with a port looks
// like: no sentence fits in.
var addressForm = regexp.MustCompile(`^[A-Za-z0-9.:_\[\]-]{1,270}$`)

// address is text that a node chose, if it is an address.
func address(text string) string {
	if !addressForm.MatchString(text) {
		return ""
	}
	return text
}
