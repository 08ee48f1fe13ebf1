// The tests of Exim.
