package scan

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/json"
)

// secretPage is one page of a list of Secrets. client-go's types would copy all of
// each Secret, its private key too, more than once.
type secretPage struct {
	secrets []publicSecret
	next    string // the token to continue with; "" at the end
}

// publicSecret is what is public in a TLS secret. Its bytes are parts of the
// response.
type publicSecret struct {
	namespace, name string
	cert, ca        []byte
}

// caKey is where the CA lies in a TLS secret, by convention.
const caKey = "ca.crt"

// protobufMark begins what the API sends as protobuf; all else is JSON.
var protobufMark = []byte("k8s\x00")

// The numbers of the fields that are read: the generated.proto of
// k8s.io/apimachinery's runtime and meta/v1, and of k8s.io/api's core/v1, where none
// of them may ever change.
const (
	unknownType, unknownRaw = 1, 2
	typeKind                = 2
	listMeta, listItems     = 1, 2
	listMetaContinue        = 3
	secretMeta, secretData  = 1, 2
	metaName, metaNamespace = 1, 3
	entryKey, entryValue    = 1, 2
)

// readSecretPage reads a response to a list request.
func readSecretPage(response []byte) (secretPage, error) {
	var page secretPage
	envelope, isProtobuf := bytes.CutPrefix(response, protobufMark)
	if !isProtobuf {
		return readSecretPageJSON(response)
	}
	var kind string
	var list []byte
	err := eachField(envelope, func(number protowire.Number, value []byte) error {
		switch number {
		case unknownType:
			return eachField(value, func(number protowire.Number, value []byte) error {
				if number == typeKind {
					kind = string(value)
				}
				return nil
			})
		case unknownRaw:
			list = value
		}
		return nil
	})
	if err == nil {
		err = checkListKind(kind)
	}
	if err != nil {
		return page, err
	}
	err = eachField(list, func(number protowire.Number, value []byte) error {
		switch number {
		case listMeta:
			return eachField(value, func(number protowire.Number, value []byte) error {
				if number == listMetaContinue {
					page.next = string(value)
				}
				return nil
			})
		case listItems:
			secret, err := readPublicSecret(value)
			page.secrets = append(page.secrets, secret)
			return err
		}
		return nil
	})
	return page, err
}

func checkListKind(kind string) error {
	if kind != "SecretList" {
		return fmt.Errorf("the API server sent a %.100q instead of a list of Secrets", kind)
	}
	return nil
}

func readPublicSecret(message []byte) (publicSecret, error) {
	var s publicSecret
	err := eachField(message, func(number protowire.Number, value []byte) error {
		switch number {
		case secretMeta:
			return s.readMeta(value)
		case secretData:
			return s.readEntry(value)
		}
		return nil
	})
	return s, err
}

func (s *publicSecret) readMeta(message []byte) error {
	return eachField(message, func(number protowire.Number, value []byte) error {
		switch number {
		case metaName:
			s.name = string(value)
		case metaNamespace:
			s.namespace = string(value)
		}
		return nil
	})
}

// readEntry reads an entry of a Secret's data, if it is one of the public ones.
func (s *publicSecret) readEntry(message []byte) error {
	var key, data []byte
	err := eachField(message, func(number protowire.Number, value []byte) error {
		switch number {
		case entryKey:
			key = value
		case entryValue:
			data = value
		}
		return nil
	})
	switch string(key) {
	case corev1.TLSCertKey:
		s.cert = data
	case caKey:
		s.ca = data
	}
	return err
}

var errTruncated = errors.New("reading the API server's list of Secrets: it is damaged or truncated")

// eachField calls read with each field of a protobuf message that has a length:
// text, bytes and messages. The others are passed over.
func eachField(message []byte, read func(number protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errTruncated
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return errTruncated
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return errTruncated
		}
		if err := read(number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

// readSecretPageJSON reads what a server without protobuf sends, with the names of
// fields as they are: Tls.crt is not tls.crt.
func readSecretPageJSON(response []byte) (secretPage, error) {
	var list struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Continue string `json:"continue"`
		} `json:"metadata"`
		Items []struct {
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
			Data struct {
				Cert []byte `json:"tls.crt"`
				CA   []byte `json:"ca.crt"`
			} `json:"data"`
		} `json:"items"`
	}
	if err := json.Unmarshal(response, &list); err != nil {
		return secretPage{}, errTruncated // the error may quote what it could not read
	}
	page := secretPage{next: list.Metadata.Continue}
	for _, item := range list.Items {
		page.secrets = append(page.secrets, publicSecret{item.Metadata.Namespace, item.Metadata.Name, item.Data.Cert, item.Data.CA})
	}
	return page, checkListKind(list.Kind)
}
