// The tests of Conformance.
