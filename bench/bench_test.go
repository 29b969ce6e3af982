package main

import (
	"context"
	"strings"
	"testing"
)

// BenchmarkStop makes the call of each situation with each client.
func BenchmarkStop(b *testing.B) {
	for _, s := range situations() {
		for _, c := range clients {
			b.Run(strings.ReplaceAll(s.name+"/"+c.name, ", ", "/"), func(b *testing.B) {
				e, err := enter(c, s)
				if err != nil {
					b.Fatal(err)
				}
				defer e.close()
				b.ReportAllocs()
				for b.Loop() {
					err := together(s.callers, func(caller int) error { return e.call(context.Background(), caller) })
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
