package view

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ftplab/lessons"
	"ftplab/ui/model"
)

// The picture is well formed, holds the text of the screen, and no run of text leaves
// the picture.
func TestSVG(t *testing.T) {
	for name, s := range frames(t) {
		picture := SVG(&s)
		if again := SVG(&s); again != picture {
			t.Errorf("%s: two pictures of one screen differ", name)
		}
		var text strings.Builder
		decoder := xml.NewDecoder(strings.NewReader(picture))
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch token := token.(type) {
			case xml.CharData:
				text.Write(token)
			case xml.StartElement:
				if token.Name.Local == "text" {
					if end := number(t, token, "x") + number(t, token, "textLength"); end > float64(s.Size.Width)*svgCellWidth+0.1 {
						t.Errorf("%s: a text ends at %.1f", name, end)
					}
				}
			}
		}
		drawn := strings.NewReplacer("\u00a0", "", "\n", "").Replace(text.String())
		var cells strings.Builder
		for _, c := range paint(&s).cells {
			cells.WriteString(strings.TrimSpace(c.text))
		}
		if drawn != cells.String() {
			t.Errorf("%s: the picture says %q, the screen %q", name, drawn, cells.String())
		}
	}
}

func number(t *testing.T, e xml.StartElement, name string) float64 {
	t.Helper()
	for _, a := range e.Attr {
		if a.Name.Local == name {
			x, err := strconv.ParseFloat(a.Value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
	}
	t.Fatalf("<%s> has no %s", e.Name.Local, name)
	return 0
}

func TestPicture(t *testing.T) {
	target := catalogue(t)[0].Target()
	o := Options{Start: target, Selection: lessons.Selection{Mode: "pasv"}, At: "drop"}
	picture, err := Picture(o, model.MinSize())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"✗", "SYN,ACK", "deny\u00a0ip", "PASV"} {
		if !strings.Contains(picture, want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
	if file := os.Getenv("FTPLAB_PICTURE"); file != "" { // to look at it
		if err := os.WriteFile(filepath.Clean(file), []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.At = "nowhere"
	if _, err := Picture(o, model.MinSize()); err == nil {
		t.Error("a picture of no event")
	}
}
