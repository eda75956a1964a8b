package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCode checks that the code which the README shows is code that is compiled and tested here: every Go and
// TypeScript block must stand in the file that the text before it links to.
func TestReadmeCode(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)\\]\\(([^)\\s]+\\.(?:go|ts))\\)[^`]*?```(?:go|ts)\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	if all := regexp.MustCompile("```(go|ts)\n").FindAllString(string(b), -1); len(blocks) != len(all) || len(blocks) < 3 {
		t.Fatalf("%d of %d blocks have a link to their file before them", len(blocks), len(all))
	}
	for _, m := range blocks {
		src, err := os.ReadFile("../../" + m[1])
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(src), m[2]) {
			t.Errorf("the block after %s is not what the file says", m[1])
		}
	}
}
