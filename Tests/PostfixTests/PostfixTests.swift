// The tests of Postfix.
