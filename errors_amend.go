package codeartsbuild

import "slices"

// amend adds kinds and a note to a copy of an error of this package: other callers may share the error, such
// as that of a login.
func amend(err error, note string, kinds ...error) error {
	d, amended := editable(err)
	if d != nil {
		d.kinds = append(slices.Clip(d.kinds), kinds...)
		d.note += note
	}
	return amended
}

// outcomeUnknown adds ErrOutcomeUnknown, which outweighs ErrNotSent of the last attempt.
func outcomeUnknown(err error) error {
	d, amended := editable(amend(err, "", ErrOutcomeUnknown))
	if d != nil {
		d.kinds = slices.DeleteFunc(d.kinds, func(kind error) bool { return kind == ErrNotSent })
	}
	return amended
}

// endedBy adds to an error that the caller's context ended the call, and why.
func endedBy(err, ended, cause error) error {
	d, amended := editable(amend(err, "; "+ended.Error(), ended))
	if d != nil && cause != ended {
		d.cause = cause
	}
	return amended
}

// ofAnotherCall copies an error for a call that failed because of it, and whose context is another one.
func ofAnotherCall(err error) error {
	d, copied := editable(err)
	if d == nil {
		return err
	}
	d.kinds = slices.DeleteFunc(slices.Clone(d.kinds), perCall)
	if _, ok := copied.(*APIError); ok {
		d.cause = nil
	}
	return copied
}

// editable copies an error of this package. For any other error the details are nil.
func editable(err error) (*details, error) {
	switch e := err.(type) {
	case *APIError:
		copied := *e
		return &copied.details, &copied
	case *callError:
		copied := *e
		return &copied.details, &copied
	}
	return nil, err
}
