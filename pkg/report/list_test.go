package report

import (
	"bytes"
	"strings"
	"testing"
)

func someList() List {
	return List{
		Document: map[string]any{"kind": "Things", "items": []string{"a\x1b[31m", "b"}},
		Header:   []string{"NAME", "EMPTY", "RISK", "KEY"},
		WideOnly: 1,
		Rows: [][]Cell{
			{{Text: "a\x1b[31m"}, {}, {Text: "much", Mood: Bad}, {Text: "RSA"}},
			{{Text: "b"}, {}, {Text: "none", Mood: Good}, {Text: "DSA"}},
		},
		Names: []string{"a\x1b[31m", "b"},
		Empty: "Nothing.",
	}
}

func TestList(t *testing.T) {
	for _, tt := range []struct {
		format string
		colors Colors
		want   string
	}{
		{"table", false, "NAME          RISK\n" + `a\u001b[31m   much` + "\nb             none\n"},
		{"table", true, "NAME          RISK\n" + `a\u001b[31m   ` + "\x1b[31mmuch\x1b[0m\nb             \x1b[32mnone\x1b[0m\n"},
		{"wide", false, "NAME          RISK   KEY\n" + `a\u001b[31m   much   RSA` + "\nb             none   DSA\n"},
		{"name", true, `a\u001b[31m` + "\nb\n"},
		{"json", true, "{\n  \"items\": [\n    \"a\\u001b[31m\",\n    \"b\"\n  ],\n  \"kind\": \"Things\"\n}\n"},
		{"yaml", true, "items:\n- \"a\\u001b[31m\"\n- b\nkind: Things\n"},
	} {
		var out bytes.Buffer
		if err := someList().Write(&out, tt.format, tt.colors); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%s, colours %t: got\n%q, want\n%q", tt.format, tt.colors, out.String(), tt.want)
		}
	}
}

func TestListOfNothing(t *testing.T) {
	list := someList()
	list.Rows, list.Names = nil, nil
	var out bytes.Buffer
	if err := list.Write(&out, "table", false); err != nil || out.String() != "Nothing.\n" {
		t.Errorf("got %q (%v)", out.String(), err)
	}
	if err := list.Write(&out, "xml", false); err == nil || !strings.Contains(err.Error(), "table, wide, json, yaml, name") {
		t.Errorf("an unknown format: got %v", err)
	}
}
