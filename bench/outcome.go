package main

import (
	"errors"
	"net/http"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

func ourOutcome(err error) chaos.Outcome {
	if errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
		return chaos.Unknown
	}
	return chaos.Failed
}

// outcomeOf reads the status in an error as a careful caller does: the service reports a failure, unless it is a
// gateway that speaks in its place, or no response came.
func outcomeOf(status int) chaos.Outcome {
	switch {
	case status < http.StatusBadRequest, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return chaos.Unknown
	}
	return chaos.Failed
}

// outcomeWithoutStatus reads the other errors: only a result that denies the stop is a failure.
func outcomeWithoutStatus(err error) chaos.Outcome {
	if errors.Is(err, errNotStopped) {
		return chaos.Failed
	}
	return chaos.Unknown
}
