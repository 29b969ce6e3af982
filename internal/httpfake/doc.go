// Package httpfake has transports and servers that do as a test tells them. It does not import the SDK, so
// that the SDK's own tests can use it, the internal ones as well.
//
//	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, `{"result":true}`))
//	… // a call of a client that uses transport
//	requests := transport.Requests()
package httpfake
