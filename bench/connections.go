package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"
)

const (
	bursts       = 10
	burstCallers = 32
)

// measureConnections counts the connections that a client opens, with its own transport, for bursts of calls.
func measureConnections(ctx context.Context, c client) (int, error) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(&service{replies: outcomes["success"], delay: 5 * time.Millisecond})
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	stop, err := c.open(setup{endpoint: server.URL, token: madeUpToken})
	if err != nil {
		return 0, err
	}
	for range bursts {
		if err := together(burstCallers, func(int) error { return stopOnce(ctx, stop) }); err != nil {
			return 0, err
		}
	}
	return int(opened.Load()), nil
}
