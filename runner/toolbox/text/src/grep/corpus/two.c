foo
foo bar

last without newline