package source

// A Wrapper is a Source that stands before another, whose optional abilities are
// its own.
type Wrapper interface {
	// Unwrap returns the Source behind it.
	Unwrap() Source
}

// As returns src as one that can do what T says, such as a Searcher: itself, or the
// nearest Source behind it that can. Optional abilities are asked for by As and not
// by a type assertion, which does not look behind a Wrapper.
func As[T any](src Source) (T, bool) {
	for src != nil {
		if able, ok := src.(T); ok {
			return able, true
		}
		w, ok := src.(Wrapper)
		if !ok {
			break
		}
		src = w.Unwrap()
	}
	var none T
	return none, false
}
