package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

func version(c *call) error {
	if _, err := newFlags(c).parse(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "overtime %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// built is the version that the linker was told, if any: -X main.built=...
var built string

// programVersion names what was built: what the linker was told, the module's version, or the revision of a build from a checkout.
func programVersion() string {
	if built != "" {
		return built
	}
	name, revision := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" {
			name = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && name == "(devel)" {
				revision = " " + s.Value
			}
		}
	}
	return name + revision
}
