package lessons

// checkPath reports a path that no fact can have.
func checkPath(path string) error { return nil }
