package main

// wire is what goes between a node and the others.
type wire struct{}

func (d *demonstration) wire(*demoNode) error   { return nil }
func (d *demonstration) cutOff(*demoNode, bool) {}
func (d *demonstration) unwire()                {}
