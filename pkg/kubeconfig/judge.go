package kubeconfig

import (
	"errors"
	"regexp"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
)

// judge returns why kubectl does not read text as a kubeconfig, nil if it does
// (client-go, tools/clientcmd/loader.go, Load). Who is right about a kubeconfig is
// decided by kubectl: what it refuses is neither read nor written here.
func judge(text string) error {
	_, err := clientcmd.Load([]byte(text))
	if err == nil {
		return nil
	}
	return errors.New(numbers.ReplaceAllString(err.Error(), "number"))
}

// numbers are values in the messages of encoding/json: one may be a password.
var numbers = regexp.MustCompile(`number [-+.0-9eE]+`)

// notText are the words of YAML 1.1 that are booleans or numbers without quotes,
// as kubectl's reader has them (sigs.k8s.io/yaml/goyaml.v2, resolve.go).
var notText = func() map[string]bool {
	words := map[string]bool{}
	for _, word := range []string{"y", "yes", "n", "no", "true", "false", "on", "off"} {
		all := strings.ToUpper(word)
		for _, form := range []string{word, all[:1] + word[1:], all} {
			words[form] = true
		}
	}
	for _, infinity := range []string{".inf", ".Inf", ".INF"} {
		words[infinity], words["+"+infinity], words["-"+infinity] = true, true, true
	}
	for _, none := range []string{".nan", ".NaN", ".NAN"} {
		words[none] = true
	}
	return words
}()
