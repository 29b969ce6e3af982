// Package apitest has a call of every operation, for tests that go over the whole API.
package apitest

import (
	"context"
	"maps"
	"strings"
)

// A Call calls an operation. Its result has the type that the operation's method returns; it is nil if the method returns
// only an error.
type Call func(context.Context, *Scene) (any, error)

// Calls returns calls of every operation, by its name; what follows a blank tells the calls of one operation apart.
// Together the calls use every documented parameter.
func Calls() map[string]Call {
	all := make(map[string]Call)
	for _, calls := range []map[string]Call{
		jobCalls, permissionCalls, recycleCalls, buildCalls, logCalls, reportCalls, repositoryCalls, templateCalls,
		keystoreCalls, groupCalls, accountCalls, wholeCalls,
	} {
		maps.Copy(all, calls)
	}
	return all
}

// OperationOf returns the operation that a call is of.
func OperationOf(call string) string {
	operation, _, _ := strings.Cut(call, " ")
	return operation
}
