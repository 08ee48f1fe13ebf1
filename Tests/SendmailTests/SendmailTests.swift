// The tests of Sendmail.
