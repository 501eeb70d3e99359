package ftp

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// Tree is a FileSystem in memory. What is in a file is kept as immutable blocks
// that readers share: handing out a file copies nothing.
//
// A Tree is not safe for concurrent use. Clone makes an independent copy.
type Tree struct {
	// MaxBytes bounds the octets of all files together; 0 is no bound. A write that
	// would pass it fails with ErrNoSpace.
	MaxBytes int64

	nodes []treeNode // [0] is the root
	free  []int      // places in nodes that can be used again
	open  []openFile // by Handle
	bytes int64
}

type treeNode struct {
	info     FileInfo
	children []treeEntry // by name
	extents  []extent
	linked   bool // it has a name
	handles  int  // open files that write to it
}

type treeEntry struct {
	name string
	node int
}

// extent is a piece of a file: immutable octets and where in the file they start.
type extent struct {
	start int64
	b     []byte
}

type openFile struct {
	used     bool
	writable bool
	node     int // of a writable file
	// snapshot is what a reader sees: the file as it was when it was opened.
	snapshot []extent
}

// TreeTime is the modification time of what a Tree is made with, so that listings
// are the same in every run: 9 September 2001, 01:46:40 UTC (Unix time 10^9).
func TreeTime() time.Time { return time.Unix(1e9, 0).UTC() }

// NewTree returns an empty tree.
func NewTree() *Tree {
	root := FileInfo{Name: "/", Dir: true, Perm: 0o755, Size: dirSize, Modified: TreeTime(), Owner: "ftp", Group: "ftp", Links: 2}
	return &Tree{nodes: []treeNode{{info: root, linked: true}}}
}

// dirSize is the size a listing shows for a directory.
const dirSize = 4096

// LargeFileSize is the size of /pub/large.bin in DefaultTree, in octets.
const LargeFileSize = 1 << 20

// PatternSize is the period of Pattern, in octets. It is a prime below 256, so that
// a piece that is lost, repeated or moved never goes unnoticed.
const PatternSize = 251

// Pattern returns n octets, the i-th of which is i mod 251.
func Pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % PatternSize)
	}
	return b
}

const readme = `Welcome to the ftplab file server.

This file came to you over a data connection: a second TCP connection, beside the
one that carries your commands. In active mode (PORT, EPRT) the server opened it
to you, from port 20 if it may; in passive mode (PASV, EPSV) you opened it to a
port that the server named. A firewall between us had to know, or to be told.

  /pub/readme.txt   this text
  /pub/large.bin    1 MiB, octet i is i mod 251: every lost piece shows
  /incoming         uploads go here
`

// DefaultTree returns the tree of the lessons: /pub/readme.txt, /pub/large.bin (a
// Pattern of LargeFileSize octets) and /incoming.
func DefaultTree() *Tree {
	t := NewTree()
	t.AddFile("/pub/readme.txt", []byte(readme))
	t.AddFile("/pub/large.bin", Pattern(LargeFileSize))
	t.AddDir("/incoming")
	return t
}

// AddFile puts a file into the tree, with the directories on the way to it; it
// replaces a file of that name. The caller never writes to content again. It panics
// if the path runs through a file: trees are made by programs, not by peers.
func (t *Tree) AddFile(name string, content []byte) {
	t.Add(name, FileInfo{Perm: 0o644, Owner: "ftp", Group: "ftp", Links: 1, Size: int64(len(content)), Modified: TreeTime()}, content)
}

// AddDir puts a directory into the tree, with those on the way to it.
func (t *Tree) AddDir(name string) {
	t.Add(name, FileInfo{Dir: true, Perm: 0o755, Owner: "ftp", Group: "ftp", Links: 2, Size: dirSize, Modified: TreeTime()}, nil)
}

// Add is AddFile or AddDir with everything a listing shows (info.Name is taken from
// the path).
func (t *Tree) Add(name string, info FileInfo, content []byte) {
	name = path.Clean("/" + name)
	parent, base := path.Split(name)
	if name == "/" {
		return
	}
	dir, err := t.find(parent)
	if err != nil {
		t.AddDir(parent)
		dir, err = t.find(parent)
	}
	if err != nil || !t.nodes[dir].info.Dir {
		panic("ftp: Tree.Add: " + parent + " is not a directory")
	}
	info.Name = base
	node := treeNode{info: info}
	if len(content) > 0 {
		node.extents = []extent{{0, content}}
	}
	t.bytes += int64(len(content))
	if old, err := t.find(name); err == nil {
		if info.Dir && t.nodes[old].info.Dir {
			info.Links = t.nodes[old].info.Links
			t.nodes[old].info = info
			return
		}
		t.unlink(dir, base)
		t.release(old)
	}
	t.insert(dir, base, node)
}

// Clone returns a tree that shares nothing but immutable octets. Handles of the one
// are handles of the other.
func (t *Tree) Clone() *Tree {
	c := *t
	c.nodes = append([]treeNode(nil), t.nodes...)
	for i := range c.nodes {
		c.nodes[i].children = append([]treeEntry(nil), c.nodes[i].children...)
		c.nodes[i].extents = append([]extent(nil), c.nodes[i].extents...)
	}
	c.free = append([]int(nil), t.free...)
	c.open = append([]openFile(nil), t.open...)
	return &c
}

// Stat implements FileSystem.
func (t *Tree) Stat(name string) (FileInfo, error) {
	node, err := t.find(name)
	if err != nil {
		return FileInfo{}, err
	}
	return t.nodes[node].info, nil
}

// List implements FileSystem.
func (t *Tree) List(name string) ([]FileInfo, error) {
	node, err := t.find(name)
	if err != nil {
		return nil, err
	}
	if !t.nodes[node].info.Dir {
		return nil, ErrNotDirectory
	}
	list := make([]FileInfo, 0, len(t.nodes[node].children))
	for _, entry := range t.nodes[node].children {
		list = append(list, t.nodes[entry.node].info)
	}
	return list, nil
}

// Open implements FileSystem. Who reads sees the file as it is now, whatever is
// written to it later.
func (t *Tree) Open(name string, mode OpenMode, now time.Time) (Handle, FileInfo, error) {
	node, err := t.find(name)
	switch {
	case err == nil && t.nodes[node].info.Dir:
		return 0, FileInfo{}, ErrIsDirectory
	case err == nil && mode == CreateNew:
		return 0, FileInfo{}, fs.ErrExist
	case err != nil && mode == ForReading:
		return 0, FileInfo{}, err
	case err != nil:
		if node, err = t.create(name, false, now); err != nil {
			return 0, FileInfo{}, err
		}
	}
	n := &t.nodes[node]
	if mode == Replace {
		t.bytes -= n.size()
		n.extents, n.info.Size = nil, 0
	}
	h := t.handle()
	if mode == ForReading {
		t.open[h] = openFile{used: true, snapshot: append([]extent(nil), n.extents...)}
		return h, n.info, nil
	}
	t.open[h] = openFile{used: true, writable: true, node: node}
	n.handles++
	return h, n.info, nil
}

func (t *Tree) handle() Handle {
	for i := range t.open {
		if !t.open[i].used {
			return Handle(i)
		}
	}
	t.open = append(t.open, openFile{})
	return Handle(len(t.open) - 1)
}

func (t *Tree) create(name string, dir bool, now time.Time) (int, error) {
	parent, base := path.Split(name)
	if base == "" {
		return 0, fs.ErrExist
	}
	d, err := t.find(parent)
	if err != nil {
		return 0, err
	}
	if !t.nodes[d].info.Dir {
		return 0, ErrNotDirectory
	}
	info := FileInfo{Perm: 0o644, Owner: "ftp", Group: "ftp", Links: 1, Modified: now.UTC()}
	if dir {
		info.Dir, info.Perm, info.Links, info.Size = true, 0o755, 2, dirSize
	}
	return t.insert(d, base, treeNode{info: info}), nil
}

// MakeDir implements FileSystem.
func (t *Tree) MakeDir(name string, now time.Time) error {
	if _, err := t.find(name); err == nil {
		return fs.ErrExist
	}
	_, err := t.create(name, true, now)
	return err
}

// RemoveDir implements FileSystem.
func (t *Tree) RemoveDir(name string) error {
	node, err := t.find(name)
	switch {
	case err != nil:
		return err
	case !t.nodes[node].info.Dir:
		return ErrNotDirectory
	case node == 0:
		return fs.ErrPermission
	case len(t.nodes[node].children) > 0:
		return ErrNotEmpty
	}
	t.remove(name, node)
	return nil
}

// Remove implements FileSystem. Who has the file open keeps it.
func (t *Tree) Remove(name string) error {
	node, err := t.find(name)
	if err != nil {
		return err
	}
	if t.nodes[node].info.Dir {
		return ErrIsDirectory
	}
	t.remove(name, node)
	return nil
}

// remove takes the name of a node away; the directory is there, as the node is.
func (t *Tree) remove(name string, node int) {
	t.unlinkPath(name)
	t.release(node)
}

func (t *Tree) unlinkPath(name string) {
	parent, base := path.Split(name)
	if dir, err := t.find(parent); err == nil {
		t.unlink(dir, base)
	}
}

// Rename implements FileSystem. A file of the new name is replaced; a directory is
// not moved into itself.
func (t *Tree) Rename(from, to string) error {
	node, err := t.find(from)
	if err != nil {
		return err
	}
	parent, base := path.Split(to)
	dir, err := t.find(parent)
	switch {
	case err != nil:
		return err
	case node == 0 || base == "" || strings.HasPrefix(to+"/", from+"/") && from != to:
		return fs.ErrPermission
	case !t.nodes[dir].info.Dir:
		return ErrNotDirectory
	}
	if target, err := t.find(to); err == nil && target != node {
		if t.nodes[target].info.Dir || t.nodes[node].info.Dir {
			return fs.ErrExist
		}
		if err := t.Remove(to); err != nil {
			return err
		}
	}
	t.unlinkPath(from)
	t.link(dir, base, node)
	return nil
}

// SetModified implements FileSystem.
func (t *Tree) SetModified(name string, modified time.Time) error {
	node, err := t.find(name)
	if err == nil {
		t.nodes[node].info.Modified = modified.UTC()
	}
	return err
}

// SetPerm implements FileSystem.
func (t *Tree) SetPerm(name string, perm uint32) error {
	node, err := t.find(name)
	if err == nil {
		t.nodes[node].info.Perm = perm & 0o777
	}
	return err
}
