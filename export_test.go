package codeartsbuild

// NewTransport makes the default transport, for tests that change its dialer or its roots.
var NewTransport = newTransport

// BudgetLeft returns how many retries the calls of a client may still make.
func BudgetLeft(c *Client) int { return budgetSize - int(c.budget.spent.Load()) }
