package member

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// splitAddr splits HOST:PORT or HOST; without a port it is DefaultPort.
func splitAddr(addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		bare := strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
		if strings.Contains(bare, ":") && net.ParseIP(bare) == nil {
			return "", 0, fmt.Errorf("address %q: %w", addr, err)
		}
		return bare, DefaultPort, nil
	}
	port, err = strconv.Atoi(p)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("address %q: the port must be 1 to 65535", addr)
	}
	return host, port, nil
}
