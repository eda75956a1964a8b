// Package wire is generated from protocol.fbs by make generate; do not edit it.
package wire
