// Reads dashboards as strictly as Grafana's own published schema says: no field that is not in it, and none
// missing that it demands, in panels and their options too.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	faults := 0
	for _, path := range os.Args[1:] {
		if fault := faultOf(path); fault != "" {
			faults++
			fmt.Printf("%s: %s\n", path, fault)
		}
	}
	if faults > 0 || len(os.Args) < 2 {
		os.Exit(1)
	}
}

// Empty where there is none: the schema's own lists of faults may be there and have none in them.
func faultOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	var read dashboard.Dashboard
	if err := read.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		return err.Error()
	}
	if err := read.Validate(); err != nil {
		return err.Error()
	}
	return ""
}
