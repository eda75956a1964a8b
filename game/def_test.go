package game

import "testing"

func goodDef() Def {
	return Def{
		Name: "good-1", Kinds: []Kind{{Name: "k", Fields: []Field{{Name: "f", Bits: 8}}}},
		New: func(Setup) (Match, error) { return nil, nil },
	}.WithDefaults()
}

func TestDefaults(t *testing.T) {
	d := goodDef()
	if d.Hz != DefaultHz || d.Every != 1 || d.Seats != DefaultSeats {
		t.Errorf("defaults are %d Hz, every %d, %d seats", d.Hz, d.Every, d.Seats)
	}
	d.Hz, d.Every, d.Seats = 60, 2, 8
	if d = d.WithDefaults(); d.Hz != 60 || d.Every != 2 || d.Seats != 8 {
		t.Errorf("defaults replace values: %d, %d, %d", d.Hz, d.Every, d.Seats)
	}
}

func TestValidate(t *testing.T) {
	if err := goodDef().Validate(); err != nil {
		t.Fatalf("a good definition: %v", err)
	}
	field := func(f Field) func(*Def) {
		return func(d *Def) { d.Kinds = []Kind{{Name: "k", Fields: []Field{f}}} }
	}
	for what, spoil := range map[string]func(*Def){
		"no name":        func(d *Def) { d.Name = "" },
		"upper case":     func(d *Def) { d.Name = "Good" },
		"long name":      func(d *Def) { d.Name = "a23456789-123456789-123456789-123" },
		"negative Hz":    func(d *Def) { d.Hz = -1 },
		"too many Hz":    func(d *Def) { d.Hz = MaxHz + 1 },
		"Every":          func(d *Def) { d.Every = 17 },
		"seats":          func(d *Def) { d.Seats = MaxSeats + 1 },
		"no kinds":       func(d *Def) { d.Kinds = nil },
		"many kinds":     func(d *Def) { d.Kinds = make([]Kind, MaxKinds+1) },
		"no New":         func(d *Def) { d.New = nil },
		"loads itself":   func(d *Def) { d.Version, d.Loads = 3, []uint32{2, 3} },
		"loads zero":     func(d *Def) { d.Version, d.Loads = 3, []uint32{2, 0} },
		"loads too many": func(d *Def) { d.Version, d.Loads = 3, make([]uint32, MaxLoads+1) },
		"no fields":      func(d *Def) { d.Kinds = []Kind{{Name: "k"}} },
		"many fields":    func(d *Def) { d.Kinds = []Kind{{Name: "k", Fields: make([]Field, MaxFields+1)}} },
		"no bits":        field(Field{Name: "f"}),
		"too many bits":  field(Field{Name: "f", Bits: 33}),
		"a jump below 0": field(Field{Name: "f", Bits: 8, Jump: -1}),
	} {
		d := goodDef()
		spoil(&d)
		if d.Validate() == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestCanLoad(t *testing.T) {
	d := goodDef()
	d.Version, d.Loads = 3, []uint32{1, 4}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	for version, want := range []bool{false, true, false, true, true, false} {
		if d.CanLoad(uint32(version)) != want {
			t.Errorf("version %d: %v", version, !want)
		}
	}
}
