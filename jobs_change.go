package codeartsbuild

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"
)

// Change reads the configuration of a job, lets change edit it, and writes it back. It returns the configuration as it
// was written. If change returns an error, Change returns that error and writes nothing; if change edits nothing,
// nothing is written. The options apply to each of the calls that Change makes.
//
// All that change leaves alone is written as it was read: members that this package does not know, null, false, and
// members that are absent.
//
// Change reads the configuration again just before it writes. If it is another one by then, the error is [ErrConflict]
// and nothing is written: call Change again. A change that another person makes in the moment between that reading and
// the writing is lost. After an error that is [ErrOutcomeUnknown] call Change again too: it writes only if the
// configuration still lacks the change.
//
// The service does not tell the value of a secret parameter, one with the setting sensitiveVar. Change writes back the
// text that the service sent in its place; whether the service then keeps the value is not documented. To be safe, set
// the values of secret parameters in change.
//
// API: ShowJobConfig, GET /v1/job/{job_id}/config, and UpdateNewJob, POST /v1/job/update.
func (s *JobsService) Change(ctx context.Context, jobID string, change func(*JobConfig) error, opts ...CallOption) (*JobConfig, error) {
	if change == nil {
		return nil, opUpdateNewJob.named(invalid("change must not be nil"))
	}
	before, err := s.readConfig(ctx, jobID, opts)
	if err != nil {
		return nil, err
	}
	changed, err := before.edit(change)
	if err == nil && changed != nil {
		err = s.replaceConfig(ctx, jobID, before.raw, changed, opts)
	}
	if err != nil {
		return nil, err
	}
	return &before.config, nil
}

// edit returns the edited configuration, or nil if it is the same.
func (r *configReading) edit(change func(*JobConfig) error) (json.RawMessage, error) {
	was, err := encodeJSON(&r.config)
	if err != nil {
		return nil, opUpdateNewJob.named(err)
	}
	if err := change(&r.config); err != nil {
		return nil, err
	}
	is, err := encodeJSON(&r.config)
	switch {
	case err != nil:
		return nil, opUpdateNewJob.named(err)
	case bytes.Equal(was, is):
		return nil, nil
	}
	return patch(r.raw, was, is), nil
}

// replaceConfig writes changed in place of the configuration before, if the job still has that one.
func (s *JobsService) replaceConfig(ctx context.Context, jobID string, before, changed json.RawMessage, opts []CallOption) error {
	now, err := s.readConfig(ctx, jobID, opts)
	if err != nil {
		return err
	}
	if !sameJSON(before, now.raw) {
		conflict := callError{text: ErrConflict.Error() + "; nothing was written", details: details{kinds: []error{ErrConflict}}}
		return opUpdateNewJob.named(&conflict)
	}
	return s.client.perform(ctx, &opUpdateNewJob, []string{jobID}, withMember(changed, "job_id", jobID), opts)
}

// sameJSON reports whether two values are the same, in any order of their members.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(a, b) || reflect.DeepEqual(decodedJSON(a), decodedJSON(b))
}

// decodedJSON keeps the digits of numbers.
func decodedJSON(data json.RawMessage) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // valid JSON
	return value
}

// patch returns read with the difference between was and is. Read is JSON of the service, was is what this package
// makes of it, and is the same after an edit. Both come from one encoder, so that equal values have equal bytes. What
// was not edited keeps the form in which it was read, which was and is do not show: an absent member, null, or a number
// in place of a text.
func patch(read, was, is json.RawMessage) json.RawMessage {
	var patched any
	switch {
	case bytes.Equal(was, is):
		return read
	case isObject(is):
		patched = patchMembers(membersOf(read), membersOf(was), membersOf(is))
	case isList(is):
		patched = patchElements(elementsOf(read), elementsOf(was), elementsOf(is))
	default:
		return is
	}
	data, _ := json.Marshal(patched) // of valid JSON
	return data
}

// patchMembers changes read and returns it. Was lacks a member whose value is zero.
func patchMembers(read, was, is map[string]json.RawMessage) map[string]json.RawMessage {
	for name, value := range is {
		if !bytes.Equal(was[name], value) { // otherwise read may lack it
			read[name] = patch(read[name], was[name], value)
		}
	}
	for name := range was {
		if is[name] == nil {
			delete(read, name)
		}
	}
	return read
}

// patchElements finds out which element each one was before the edit, since elements come, go and move.
func patchElements(read, was, is []json.RawMessage) []json.RawMessage {
	patched := slices.Clone(is)
	for i, j := range matchElements(was, is) {
		patched[i] = patch(read[j], was[j], is[i])
	}
	return patched
}

// maxPairs limits the work of matchElements. The steps and parameters of a job are dozens.
const maxPairs = 1 << 16

// matchElements returns the index in was by the index in is, for the elements that were there before. Elements that are
// equal match if they are at the same place, from the start or from the end. The others match by how much they have in
// common.
func matchElements(was, is []json.RawMessage) map[int]int {
	matches, taken := make(map[int]int), make(map[int]bool)
	match := func(i, j int) {
		if _, found := matches[i]; !found && !taken[j] {
			matches[i], taken[j] = j, true
		}
	}
	for n := range min(len(was), len(is)) {
		for _, at := range [][2]int{{n, n}, {len(is) - 1 - n, len(was) - 1 - n}} {
			if bytes.Equal(is[at[0]], was[at[1]]) {
				match(at[0], at[1])
			}
		}
	}
	if (len(is)-len(matches))*(len(was)-len(matches)) > maxPairs {
		return matches
	}
	type pair struct{ i, j, alike int }
	var pairs []pair
	for i := range is {
		for j := range was {
			if _, found := matches[i]; !found && !taken[j] {
				pairs = append(pairs, pair{i, j, likeness(was[j], is[i])})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.alike, a.alike), cmp.Compare(distance(a.i, a.j), distance(b.i, b.j)))
	})
	for _, p := range pairs {
		match(p.i, p.j)
	}
	return matches
}

func distance(i, j int) int { return max(i-j, j-i) }

// likeness is the length of all that two values have in common. It is greatest for equal values.
func likeness(a, b json.RawMessage) (common int) {
	if bytes.Equal(a, b) {
		return len(a)
	}
	others := membersOf(b)
	for name, value := range membersOf(a) {
		if other := others[name]; other != nil {
			common += likeness(value, other)
		}
	}
	elements := elementsOf(b)
	for i, element := range elementsOf(a) {
		if i < len(elements) {
			common += likeness(element, elements[i])
		}
	}
	return common
}

func isObject(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte("{")) }

func isList(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte("[")) }

// elementsOf returns the elements of a list; of another value none.
func elementsOf(list json.RawMessage) (elements []json.RawMessage) {
	if isList(list) {
		_ = json.Unmarshal(list, &elements) // valid JSON
	}
	return elements
}
