package admin

import (
	"embed"
	"net/http"
)

//go:embed console
var consoleFiles embed.FS

// consoleRoutes is a page for people that shows nodes and matches. It holds nothing secret, so it is served to everybody who may reach the
// listener; what it shows it asks the API for, with the key that is entered in it.
func (s *Server) consoleRoutes() []Route {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		name := "console/index.html"
		if r.URL.Path != "/" {
			name = r.URL.Path[1:]
		}
		http.ServeFileFS(w, r, consoleFiles, name)
	})
	var list []Route
	for _, path := range []string{"/", "/console/console.js", "/console/console.css"} {
		list = append(list, Raw("", "GET "+path, "", "", page).Only(RoleNone))
	}
	return list
}
