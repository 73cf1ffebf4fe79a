//! `stepbox sh` at a terminal.

use stepbox_tests::{Place, Terminal};

#[test]
fn lines_may_belong_together_and_see_the_volume() {
    let place = Place::new().file("a.txt", "");
    let Some(mut terminal) = Terminal::start(&place, "dumb", "exec stepbox sh") else { return };
    terminal.wait_for("$ ");
    // The terminal's own way to take a character back.
    terminal.type_in("echo wi$((40 + 3\x7f2))t\n");
    terminal.wait_for("wi42t");
    terminal.wait_for("$ ");
    terminal.type_in("if cd /codefresh; then\n");
    terminal.wait_for("\n> ");
    terminal.type_in("echo in${PWD}side; ls volume; fi\n");
    terminal.wait_for("in/codefreshside");
    terminal.wait_for("a.txt");
    terminal.wait_for("$ ");
    terminal.type_in("exit 7\n");
    assert_eq!(terminal.end().1, Some(7));
}

#[test]
fn an_error_or_an_interrupt_ends_a_line_and_not_the_shell() {
    let place = Place::new();
    for term in ["dumb", "xterm"] {
        let Some(mut terminal) = Terminal::start(&place, term, "exec stepbox sh") else { return };
        terminal.wait_for("$ ");
        terminal.type_in("fi\n");
        terminal.wait_for("unexpected");
        terminal.wait_for("$ ");
        // Ctrl-C in the middle of a command.
        terminal.type_in("if\n");
        terminal.wait_for("\n> ");
        terminal.type_in("\x03");
        terminal.wait_for("$ ");
        terminal.type_in("echo go$((1 + 1))on\n");
        terminal.wait_for("go2on");
        terminal.wait_for("$ ");
        for blocked in ["sleep 1000", "while :; do :; done", "sleep 1000 | cat"] {
            terminal.type_in(&format!("x=$((6 * 7)); echo st${{x}}art; {blocked}; echo not\"\"reached\n"));
            terminal.wait_for("st42art");
            terminal.type_in("\x03");
            terminal.wait_for("$ ");
        }
        terminal.type_in("echo al$x-$?\n");
        terminal.wait_for("al42-130");
        terminal.wait_for("$ ");
        // Ctrl-D.
        terminal.type_in("\x04");
        assert_eq!(terminal.end().1, Some(0), "{term}");
    }
}

#[test]
fn a_line_is_edited_and_found_again() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::start(&place, "xterm", "exec stepbox sh") else { return };
    terminal.wait_for("$ ");
    // `ecco` is mended, and one of two wide characters is taken back.
    terminal.type_in("ecco 日本\x7f\x01\x1b[C\x1b[C\x7fc\x1b[3~h\x05x\r");
    let typed = terminal.wait_for("\r\n日x\r\n");
    // Each key is shown as it comes: appended, or the line again with the cursor moved.
    assert!(typed.starts_with("ecco 日本\r$ ecco 日\x1b[J"), "{typed:?}");
    terminal.wait_for("$ ");
    terminal.type_in("\x1b[A\x7f\x7f2\r");
    terminal.wait_for("\r\n2\r\n");
    terminal.wait_for("$ ");
    // Ctrl-C leaves a line, and the history has none of it.
    terminal.type_in("exit 9\x03");
    terminal.wait_for("^C\r\n$ ");
    terminal.type_in("\x1b[A\x1b[A\x17\x17exit 3\r");
    let shown = "echo 2\r$ echo 日x\x1b[J\r\x1b[10C\r$ echo \x1b[J\r\x1b[7C\r$ \x1b[J\r\x1b[2Cexit 3\r\n";
    assert_eq!(terminal.end(), (shown.to_owned(), Some(3)));
}

#[test]
fn the_terminal_is_left_as_it_was() {
    let place = Place::new();
    for (keys, status) in [("kill -9 $$\r", 137), ("\x04", 0), ("exit 4\r", 4)] {
        let line =
            "stepbox sh; echo status $?; stty -a | tr ' ;' '\\n\\n' | grep -x -e isig -e icanon -e icrnl -e echo";
        let Some(mut terminal) = Terminal::start(&place, "xterm", line) else { return };
        terminal.wait_for("$ ");
        terminal.type_in(keys);
        terminal.wait_for(&format!("status {status}\r\n"));
        assert_eq!(terminal.end().0, "icrnl\r\nisig\r\nicanon\r\necho\r\n", "{keys:?}");
    }
}
