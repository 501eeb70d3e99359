package firewall

// noSlot is the place of a connection where there is none.
const noSlot = -1

func (d *Device) connectionNumber(f Field, s *subject) (uint64, bool) { return 0, false }

func (d *Device) connectionAddress(f Field, s *subject) (address, bool) { return address{}, false }

func (d *Device) helperOf(s *subject) string { return "" }
