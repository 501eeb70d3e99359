package ftp

import (
	"bytes"
	"io/fs"
	"sort"
	"strings"
	"time"
)

// find returns the node of a cleaned absolute path.
func (t *Tree) find(name string) (int, error) {
	node := 0
	for rest := strings.Trim(name, "/"); rest != ""; {
		element, after, _ := strings.Cut(rest, "/")
		if !t.nodes[node].info.Dir {
			return 0, ErrNotDirectory
		}
		i, ok := t.child(node, element)
		if !ok {
			return 0, fs.ErrNotExist
		}
		node, rest = t.nodes[node].children[i].node, after
	}
	return node, nil
}

// child returns where the name is, or belongs, among the children of a directory.
func (t *Tree) child(dir int, name string) (int, bool) {
	children := t.nodes[dir].children
	i := sort.Search(len(children), func(i int) bool { return children[i].name >= name })
	return i, i < len(children) && children[i].name == name
}

func (t *Tree) insert(dir int, name string, node treeNode) int {
	id := len(t.nodes)
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
		t.nodes[id] = node
	} else {
		t.nodes = append(t.nodes, node)
	}
	t.link(dir, name, id)
	return id
}

// release gives up a node that has no name and that nobody writes to.
func (t *Tree) release(id int) {
	n := &t.nodes[id]
	if n.linked || n.handles > 0 {
		return
	}
	t.bytes -= n.size()
	*n = treeNode{}
	t.free = append(t.free, id)
}

func (t *Tree) link(dir int, name string, id int) {
	i, _ := t.child(dir, name)
	d := &t.nodes[dir]
	d.children = append(d.children, treeEntry{})
	copy(d.children[i+1:], d.children[i:])
	d.children[i] = treeEntry{name, id}
	t.nodes[id].info.Name = name
	t.nodes[id].linked = true
	if t.nodes[id].info.Dir {
		d.info.Links++
	}
}

func (t *Tree) unlink(dir int, name string) {
	d := &t.nodes[dir]
	i, ok := t.child(dir, name)
	if !ok {
		return
	}
	child := &t.nodes[d.children[i].node]
	child.linked = false
	if child.info.Dir {
		d.info.Links--
	}
	d.children = append(d.children[:i], d.children[i+1:]...)
}

func (n *treeNode) size() int64 {
	if len(n.extents) == 0 {
		return 0
	}
	last := n.extents[len(n.extents)-1]
	return last.start + int64(len(last.b))
}

// ReadAt implements FileSystem. It hands out at most the rest of one block.
func (t *Tree) ReadAt(h Handle, offset int64, limit int) ([]byte, error) {
	extents := t.open[h].snapshot
	i := sort.Search(len(extents), func(i int) bool { return extents[i].start > offset }) - 1
	if i < 0 {
		return nil, nil
	}
	e := extents[i]
	at := offset - e.start
	if at >= int64(len(e.b)) {
		return nil, nil
	}
	b := e.b[at:]
	return b[:min(len(b), limit)], nil
}

// WriteAt implements FileSystem.
func (t *Tree) WriteAt(h Handle, offset int64, b []byte, keep bool) error {
	if len(b) == 0 {
		return nil
	}
	n := &t.nodes[t.open[h].node]
	size := n.size()
	if offset > size {
		return ErrNoSpace // a Tree has no sparse files; a Session refuses this before
	}
	grows := max(0, offset+int64(len(b))-size)
	if t.MaxBytes > 0 && t.bytes+grows > t.MaxBytes {
		return ErrNoSpace
	}
	if !keep {
		b = bytes.Clone(b)
	}
	n.extents = writeExtent(n.extents, offset, b)
	t.bytes += grows
	n.info.Size = size + grows
	return nil
}

// writeExtent returns extents with b at offset, at most their end.
func writeExtent(extents []extent, offset int64, b []byte) []extent {
	end := offset + int64(len(b))
	if len(extents) == 0 {
		return append(extents, extent{offset, b})
	}
	if last := &extents[len(extents)-1]; offset == last.start+int64(len(last.b)) {
		if joined, ok := joinAdjacent(last.b, b); ok {
			last.b = joined
			return extents
		}
		return append(extents, extent{offset, b})
	}
	changed := make([]extent, 0, len(extents)+2)
	for _, e := range extents {
		if e.start < offset {
			changed = append(changed, extent{e.start, e.b[:min(int64(len(e.b)), offset-e.start)]})
		}
	}
	changed = append(changed, extent{offset, b})
	for _, e := range extents {
		if stop := e.start + int64(len(e.b)); stop > end {
			skip := max(0, end-e.start)
			changed = append(changed, extent{e.start + skip, e.b[skip:]})
		}
	}
	return changed
}

// joinAdjacent joins a and b without a copy if b lies right behind a in memory: the
// segments of one written block, in order.
func joinAdjacent(a, b []byte) ([]byte, bool) {
	if len(a) == 0 || len(b) == 0 || cap(a)-len(a) < len(b) {
		return nil, false
	}
	joined := a[:len(a)+len(b)]
	return joined, &joined[len(a)] == &b[0]
}

// Close implements FileSystem.
func (t *Tree) Close(h Handle, now time.Time) error {
	f := t.open[h]
	t.open[h] = openFile{}
	if f.writable {
		t.nodes[f.node].info.Modified = now.UTC()
		t.nodes[f.node].handles--
		t.release(f.node)
	}
	return nil
}
