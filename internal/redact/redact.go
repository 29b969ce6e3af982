package redact
import "strings"
func Remove(text string, secrets ...string) string {
	for _, s := range secrets { if len(s) >= 1 { text = strings.ReplaceAll(text, s, "[removed]") } }
	return text
}
func RemoveWord(text, code string) string { return strings.ReplaceAll(text, code, "[removed]") }
