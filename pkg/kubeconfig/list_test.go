package kubeconfig_test

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest/golden"
)

// The JSON of a list is what scripts rely on.
func TestList(t *testing.T) {
	user := func(name string, options ...pkitest.Option) string {
		return "- name: " + name + "\n  user: {" + certified(t, name, options...) + "}\n"
	}
	context := func(name, user string) string {
		return "- name: " + name + "\n  context: {cluster: c, user: " + user + "}\n"
	}
	d := parse(t, "/home/alice/.kube/config", "clusters:\n- name: c\n  cluster: {server: \"https://c:6443\"}\nusers:\n"+
		user("ok")+user("expiring", pkitest.Left(pkitest.Day))+user("expired", pkitest.Left(-pkitest.Day))+
		user("future", pkitest.Valid(pkitest.Now.Add(pkitest.Day), pkitest.Now.Add(2*pkitest.Day)))+
		"- name: many\n  user: {token: secret, exec: {command: login}, auth-provider: {name: oidc}, username: me, password: secret}\n"+
		"- name: file\n  user: {tokenFile: token}\n- name: bad\n  user: {client-certificate-data: aGk=}\n- name: none\n"+
		"contexts:\n"+context("current", "ok")+context("expiring", "expiring")+context("expired", "expired")+context("future", "future")+
		context("many", "many")+context("file", "file")+context("bad", "bad")+context("anonymous", "none")+
		"- name: dangling\n  context: {cluster: gone, user: gone, namespace: ns}\ncurrent-context: current\n")
	text, err := json.MarshalIndent(kubeconfig.NewConfig(d).List(pkitest.Now), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "list.json", append(text, '\n'))
}
