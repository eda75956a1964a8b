package admin

import "testing"

func TestGateWithoutKey(t *testing.T) {
	s, _ := newTest(t, nil)
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a script", nil, 200},
		{"localhost", []string{"Host", "localhost:8081"}, 200},
		{"IPv6", []string{"Host", "[::1]:8081"}, 200},
		{"our own page", []string{"Origin", "http://127.0.0.1:8081"}, 200},
		{"a rebound name", []string{"Host", "evil.example:8081"}, 421},
		{"a name that looks like loopback", []string{"Host", "127.0.0.1.evil.example"}, 421},
		{"no host", []string{"Host", ""}, 421},
		{"another site's page", []string{"Origin", "http://evil.example"}, 403},
		{"another port's page", []string{"Origin", "http://127.0.0.1:8080"}, 403},
		{"a sandboxed page", []string{"Origin", "null"}, 403},
		{"two origins", []string{"Origin", "http://127.0.0.1:8081", "Origin", "http://evil.example"}, 403},
	} {
		for _, path := range []string{"/v1/matches", "/metrics", "/debug/pprof/cmdline"} {
			w := call(s, "GET", path, "", c.headers...)
			if w.Code != c.status {
				t.Errorf("%s, %s: status %d, want %d", c.name, path, w.Code, c.status)
			}
			if c.status != 200 {
				wantProblem(t, w, c.status)
			}
		}
	}
}

func TestGateWithKey(t *testing.T) {
	s, _ := newTest(t, func(c *Config) { c.Addr, c.Key = "0.0.0.0:8081", "s3cret" })
	for header, status := range map[string]int{
		"Bearer s3cret": 200, "": 401, "Bearer ": 401, "Bearer s3cre": 401, "Bearer s3cret2": 401, "Basic s3cret": 401, "s3cret": 401, "bearer s3cret": 401,
	} {
		for _, path := range []string{"/v1/matches", "/metrics", "/debug/pprof/", "/none"} {
			want := status
			if path == "/none" && status == 200 {
				want = 404
			}
			if w := call(s, "GET", path, "", "Host", "node7.internal:8081", "Authorization", header); w.Code != want {
				t.Errorf("%q, %s: status %d, want %d", header, path, w.Code, want)
			}
		}
	}
	w := call(s, "GET", "/v1/matches", "", "Authorization", "Bearer s3cret", "Origin", "http://evil.example")
	wantProblem(t, w, 403)
}

func TestListenerThatNeedsAKey(t *testing.T) {
	for addr, needs := range map[string]bool{
		"127.0.0.1:8081": false, "localhost:8081": false, "[::1]:8081": false, "127.9.9.9:1": false,
		":8081": true, "0.0.0.0:8081": true, "[::]:8081": true, "10.0.0.1:8081": true, "admin.example:8081": true, "": true,
	} {
		err := Config{Addr: addr}.Validate()
		if (err != nil) != needs {
			t.Errorf("%q without a key: %v, needs one: %v", addr, err, needs)
		}
		if err := (Config{Addr: addr, Key: "k"}).Validate(); err != nil {
			t.Errorf("%q with a key: %v", addr, err)
		}
	}
}
