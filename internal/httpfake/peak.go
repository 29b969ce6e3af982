package httpfake

import "sync"

// A Peak counts how many calls run at the same time. The zero value is ready.
type Peak struct {
	mu        sync.Mutex
	now, most int
}

// Enter counts a call that begins.
func (p *Peak) Enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now++
	p.most = max(p.most, p.now)
}

// Leave counts a call that ends.
func (p *Peak) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
}

// Most returns how many calls ran at the same time at most.
func (p *Peak) Most() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}
