package codeartsbuildtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// hexID is the id of a thing, 32 hexadecimal digits: the same for the same words, in every process.
func hexID(words ...any) string {
	sum := sha256.Sum256(fmt.Appendln([]byte("codeartsbuildtest\n"), words...))
	return hex.EncodeToString(sum[:16])
}

// uuid is hexID in the form of a UUID.
func uuid(words ...any) string {
	id := hexID(words...)
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}
