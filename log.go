package codeartsbuild

import (
	"errors"
	"log/slog"
	"time"
)

// logger is the client's logger. The login that a call needs is logged by the logger of that call, if the client
// of the login has none.
func (c *call) logger() *slog.Logger { return c.ctx.(*callContext).logger }

// log writes one of the two records of a call: "attempt", with the number of the attempt, or "call", with how many
// there were.
func (c *call) log(record string, a *attempt, err error, since time.Time) {
	logger := c.logger()
	if logger == nil || !logger.Enabled(c.ctx, slog.LevelDebug) {
		return
	}
	count := slog.Int("attempt", c.attempts)
	if record == "call" {
		count.Key = "attempts"
	}
	logger.LogAttrs(c.ctx, slog.LevelDebug, record, append(c.logAttrs(a, err, since), count)...)
}

// logAttrs are the attributes that both records have. Their names are a fixed list, see WithLogger.
func (c *call) logAttrs(a *attempt, err error, since time.Time) []slog.Attr {
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.String("operation", c.op.label()), slog.Duration("duration", time.Since(since)))
	var apiErr *APIError
	code := ""
	if errors.As(err, &apiErr) {
		code = apiErr.ErrorCode
	}
	for _, attr := range [...]struct{ key, value string }{
		{"job", c.job}, {"build", c.build}, {"code", code}, {"request_id", a.requestID},
	} {
		if attr.value != "" {
			attrs = append(attrs, slog.String(attr.key, attr.value))
		}
	}
	if a.status != 0 {
		attrs = append(attrs, slog.Int("status", a.status))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	return attrs
}
