package codeartsbuild

import (
	"errors"
	"log/slog"
	"time"
)

func (c *Client) logAttempt(call *call, a *attempt, err error) {
	if c.logger == nil || !c.logger.Enabled(call.ctx, slog.LevelDebug) {
		return
	}
	attrs := append(call.logAttrs(a, err, call.attempted), slog.Int("attempt", call.attempts))
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "attempt", attrs...)
}

func (c *Client) logCall(call *call, a *attempt, err error) {
	if c.logger == nil || !c.logger.Enabled(call.ctx, slog.LevelDebug) {
		return
	}
	attrs := append(call.logAttrs(a, err, call.started), slog.Int("attempts", call.attempts))
	c.logger.LogAttrs(call.ctx, slog.LevelDebug, "call", attrs...)
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
