package main

import (
	"encoding/xml"
	"reflect"
	"strings"
	"testing"
)

func TestWrapKeepsColours(t *testing.T) {
	t.Parallel()
	got := wrap(parse("\x1b[33mSTOP\x1b[0m  12345"), 8)
	want := [][]run{{{"yellow", "STOP"}, {"", "  12"}}, {{"", "345"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if rows := wrap(parse(""), 8); len(rows) != 1 {
		t.Errorf("an empty line has %d rows, want 1", len(rows))
	}
}

func TestPictureIsXML(t *testing.T) {
	t.Parallel()
	svg := picture([]string{"$ a <b> & 'c'", "\x1b[31mFAILED\x1b[0m x", ""}, 80)
	var root struct {
		Text []struct {
			Class string `xml:"class,attr"`
			Text  string `xml:",innerxml"`
		} `xml:"text"`
	}
	if err := xml.Unmarshal(svg, &root); err != nil {
		t.Fatal(err)
	}
	if len(root.Text) != 3 || root.Text[0].Class != "prompt" || !strings.Contains(root.Text[1].Text, `<tspan class="red">FAILED</tspan> x`) {
		t.Errorf("the lines are %q", root.Text)
	}
}
