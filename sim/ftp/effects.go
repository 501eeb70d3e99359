package ftp

// effectQueue is what a machine asks for and its carrier has not taken yet.
type effectQueue struct {
	list []Effect
	head int
}

func (q *effectQueue) push(e Effect) { q.list = append(q.list, e) }

func (q *effectQueue) next() (Effect, bool) {
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		return Effect{}, false
	}
	e := q.list[q.head]
	q.list[q.head] = Effect{} // let go of its bytes
	q.head++
	return e, true
}

// clone returns a queue that shares nothing but immutable bytes.
func (q *effectQueue) clone() effectQueue {
	return effectQueue{list: append([]Effect(nil), q.list[q.head:]...)}
}
