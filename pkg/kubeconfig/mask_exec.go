package kubeconfig

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// harmlessWords are subcommands of credential plugins in use: an argument that
// is one of them is no secret.
var harmlessWords = wordSet(`eks get-token aws-iam-authenticator token oidc-login credential credentials auth login
	get kubernetes cluster kubeconfig exec-credential ce generate-token kube kubelogin client-go-exec-plugin
	get-credentials container hcloud kubernetes-token pinniped static oidc k8s exec version iam`)

// harmlessFlags are flags of such programs whose values are names and addresses.
var harmlessFlags = wordSet(`--cluster-name --cluster-id --cluster --region --profile --role-arn --output --server-id
	--environment --login --tenant-id --client-id --oidc-issuer-url --oidc-client-id --oidc-extra-scope --file
	--renew-before --timeout --wait --version --context --namespace -n -i --role --subscription --issuer --audience
	--request-audience --concierge-endpoint --proxy --kubeconfig --login-type --grant-type --format -o --project --zone --location`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}

// flagName recognizes a flag without its value: -pSECRET is more than one.
var flagName = regexp.MustCompile(`^(-[a-zA-Z]|--[a-zA-Z][a-zA-Z0-9-]{0,39})$`)

// maskExec hides of a credential plugin the arguments that are not known to be
// harmless, the values of its environment, and what nobody knows.
func maskExec(exec *yamledit.Node) *yamledit.Node {
	out := maskBut(exec, "apiVersion", "command", "installHint", "interactiveMode", "provideClusterInfo")
	if args := exec.Get("args"); args != nil && args.Kind == yamledit.Sequence {
		out = out.With("args", maskArguments(args))
	}
	if env := exec.Get("env"); env != nil && env.Kind == yamledit.Sequence {
		masked := *env
		masked.Children = nil
		for i := range env.Children {
			masked.Children = append(masked.Children, *maskBut(&env.Children[i], "name"))
			if env.Children[i].Kind != yamledit.Mapping {
				masked.Children[i] = *maskAll(&env.Children[i])
			}
		}
		out = out.With("env", &masked)
	}
	return out
}

func maskArguments(args *yamledit.Node) *yamledit.Node {
	masked := *args
	masked.Children = nil
	flag := "" // the flag that comes before, and may have its value next
	for _, arg := range args.Children {
		name, value, joined := strings.Cut(arg.Value, "=")
		switch {
		case arg.Kind != yamledit.Scalar:
			arg, flag = *maskAll(&arg), ""
		case joined && flagName.MatchString(name):
			if !harmlessFlags[name] {
				arg.Value, arg.Plain = name+"="+hidden(value), false
			} else {
				arg.Value = name + "=" + redactAddress(value)
			}
			flag = ""
		case flagName.MatchString(arg.Value):
			flag = arg.Value
		case harmlessFlags[flag]:
			arg.Value, flag = redactAddress(arg.Value), ""
		case harmlessWords[arg.Value]:
			flag = ""
		default:
			arg.Value, arg.Plain, flag = hidden(arg.Value), false, ""
		}
		masked.Children = append(masked.Children, arg)
	}
	return &masked
}

// redactAddress is a value that is a name or an address: one that is a URL may
// hold a password.
func redactAddress(value string) string {
	if strings.Contains(value, "://") || strings.Contains(value, "@") {
		return RedactURL(value)
	}
	return value
}

// ExecCommand is the command line of a credential plugin, command being its
// program as it is found, with what may be secret hidden.
func ExecCommand(exec *yamledit.Node, command string) string {
	var args *yamledit.Node
	if list := exec.Get("args"); list != nil && list.Kind == yamledit.Sequence {
		args = maskArguments(list)
	}
	return commandLine(command, args)
}

func commandLine(command string, args *yamledit.Node) string {
	words := []string{quoteWord(command)}
	if args != nil {
		for i := range args.Children {
			words = append(words, quoteWord(args.Children[i].Value))
		}
	}
	return strings.Join(words, " ")
}

var hiddenText = regexp.MustCompile(`<hidden, [0-9]+ characters>`)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

func quoteWord(word string) string {
	if plainWord.MatchString(hiddenText.ReplaceAllString(word, "x")) {
		return word
	}
	return strconv.Quote(word)
}
