package codeartsbuild

import (
	"encoding/json"
	"strings"
)

// redact removes the secrets of the request from a text that came back.
func (c *call) redact(ans *answer, text string) string {
	if text == "" {
		return ""
	}
	text = removeSecret(text, ans.token.Value())
	if ans.key != nil {
		secret, securityToken := ans.key.secrets()
		text = removeSecret(removeSecret(text, secret), securityToken)
	}
	for _, secret := range c.secrets {
		text = removeSecret(text, secret)
	}
	return text
}

// removeSecret also finds the spellings in which JSON may quote the secret, and the start of one with which
// the text ends, since an answer may be cut off.
func removeSecret(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, removed)
	for n := min(len(secret)-1, len(text)); n >= minCutSecret; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			text = text[:len(text)-n] + removed
			break
		}
	}
	if isPlain(secret) {
		return text
	}
	if quoted, err := json.Marshal(secret); err == nil {
		text = strings.ReplaceAll(text, string(quoted[1:len(quoted)-1]), removed)
	}
	return strings.ReplaceAll(text, strings.ReplaceAll(secret, "/", `\/`), removed)
}

// minCutSecret is how much of a secret's start tells something of it.
const minCutSecret = 8

const removed = "[removed]"

// isPlain reports whether JSON spells text in one way only, unless it goes out of its way.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte(`"\/<>&`, c) >= 0 {
			return false
		}
	}
	return true
}
