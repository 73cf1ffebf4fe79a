//! Scripts that mean harm get an error and a status; the runner goes on.

mod support;

use stepbox_shell::{Limits, Mode};
use stepbox_system::{CancelToken, Signal};
use support::{Script, script, sh};

#[test]
fn deep_nesting_is_an_error() {
    for text in [
        "$(".repeat(3000),
        "(".repeat(100_000),
        "{ ".repeat(100_000),
        "if true; then ".repeat(5000),
        "${a-".repeat(100_000),
        "$((".repeat(50_000),
        "\"$(".repeat(5000),
        "`".repeat(1001),
        format!("echo $(({}1{}))", "(".repeat(100_000), ")".repeat(100_000)),
    ] {
        let ran = script(&text);
        assert_eq!(ran.status, 2, "{:.40}: {:.300}", text, ran.stderr);
    }
}

#[test]
fn unbounded_recursion_is_an_error() {
    for text in [
        "f() { f; }; f",
        "f() { g; }; g() { eval f; }; f",
        "f() { x=$(f); }; f",
        "f() { (f); }; f",
        "f() { if true; then { f; } fi; }; f",
        "echo '. ./self' > self; . ./self",
        "trap 'exit' EXIT; f() { for i in 1; do while true; do case x in x) f;; esac; done; done; }; f",
    ] {
        let ran = script(text);
        assert!(ran.status == 2 && ran.stderr.contains("are nested"), "{text}: {} {:.300}", ran.status, ran.stderr);
    }
}

#[test]
fn a_fork_bomb_ends() {
    // The first shell is soon done; what it has let loose ends with its token, which `script` waits for.
    assert_eq!(script("f() { f | f & }; f; wait").status, 0);
    for bomb in ["f() { f & f & wait; }; f", "f() { f | f & }; f; wait", "f() { f | f; }; f"] {
        let ran = script(bomb);
        // Said once, and how often there was more of it.
        let said: Vec<_> = ran.stderr.lines().filter(|line| line.contains("too many processes")).collect();
        // Where the first shell does not wait, all may be over before that.
        let least = usize::from(!bomb.ends_with("wait"));
        assert!((least..=2).contains(&said.len()), "{bomb}: {} {:.300}", ran.status, ran.stderr);
        let of_limits = |line: &str| line.contains("too many processes") || line.contains("are nested");
        assert!(ran.stderr.lines().all(of_limits), "{bomb}: {:.300}", ran.stderr);
    }
}

#[test]
fn what_grows_without_end_is_bounded() {
    let ran = script("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done");
    assert!(ran.status == 2 && ran.stderr.contains("bytes"), "{:.300}", ran.stderr);
    let ran = script("x=$(yes)");
    assert!(ran.status == 2 && ran.stderr.contains("a command substitution gives more than"), "{:.300}", ran.stderr);
    let ran = script("printf '%1000000000d' 1");
    assert!(ran.status == 1 && ran.stderr.contains("a width is larger"), "{:.300}", ran.stderr);
}

#[test]
fn loops_end_when_they_are_cancelled() {
    for text in [
        "while :; do :; done",
        "yes | while read x; do :; done",
        "until false; do sleep=1; done",
        "yes > /dev/null & wait",
    ] {
        let cancel = CancelToken::new();
        let theirs = cancel.clone();
        let thread = std::thread::spawn(move || sh(&[b"-c", text.as_bytes()], &theirs));
        cancel.cancel(Signal::Term);
        assert_eq!(thread.join().expect("no panic").status, 143, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let ran = sh(
        &[
            b"-c",
            b"x='\xff\xfe'; case $x in ??) echo two;; esac; printf '\\377' > f; cat f > g; test -s g && echo \"${#x}\"",
        ],
        &CancelToken::new(),
    );
    assert_eq!((ran.stdout.as_str(), ran.status), ("two\n2\n", 0), "{}", ran.stderr);
}

#[test]
fn a_large_here_document_does_not_stop_the_pipeline() {
    let text = format!("cat <<EOF | while read x; do n=$((n+1)); done; echo done\n{}EOF\n", "line\n".repeat(400_000));
    let ran = script(&text);
    assert_eq!((ran.stdout.as_str(), ran.status), ("done\n", 0), "{:.300}", ran.stderr);
}

mod random {
    use proptest::prelude::*;
    use stepbox_shell::{Mode, commands_of};

    const TOKENS: [&str; 40] = [
        "if", "then", "fi", "for", "in", "do", "done", "case", "esac", "{", "}", "(", ")", "$(", "`", "\"", "'", "$",
        "${", "a", "=", "<<E", "\nE\n", "\n", ";", ";;", "&", "&&", "||", "|", "<", ">", ">&", "1", "#", "\\", "[[",
        "]]", "$((", "))",
    ];

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = commands_of(&bytes, Mode::Sh);
        }

        #[test]
        fn no_mixture_of_words_makes_the_parser_panic(tokens in proptest::collection::vec(0..TOKENS.len(), 0..60), spaces in any::<u64>()) {
            let mut text = String::new();
            for (at, token) in tokens.iter().enumerate() {
                text.push_str(TOKENS[*token]);
                if spaces >> (at % 64) & 1 == 1 {
                    text.push(' ');
                }
            }
            let _ = commands_of(text.as_bytes(), Mode::Sh);
        }
    }
}

#[test]
fn words_of_bash_are_bounded() {
    let bash = |source: &str| Script::new(source).mode(Mode::Bash).run();
    for (source, message) in [
        (format!("echo {}", "{a,b}".repeat(24)), "a brace expansion gives more than 1048576 words"),
        ("echo {1..9223372036854775807}".to_owned(), "a brace expansion gives more than 1048576 words"),
        (format!("echo {}{{1..100000}}", "x".repeat(10_000)), "a brace expansion gives more than 67108864 bytes"),
        (format!("echo {}", "{a,".repeat(100_000) + &"}".repeat(100_000)), "constructs stand inside one another"),
        (format!("[[ {} a ]]", "( ".repeat(100_000)), "constructs stand inside one another"),
        (format!("[[ {} a ]]", "! ".repeat(100_000)), "constructs stand inside one another"),
        (format!("shopt -s extglob\necho {}", "@(".repeat(100_000)), "constructs stand inside one another"),
        (format!("(({}))", "(".repeat(100_000)), "matching `)'"),
        (format!("echo $(({}1{}))", "(".repeat(1000), ")".repeat(1000)), "expression recursion level exceeded"),
    ] {
        let ran = bash(&source);
        assert!(ran.status != 0 && ran.stderr.contains(message), "{source:.60}: {} {:.300}", ran.status, ran.stderr);
    }
    // Each level could be read twice.
    assert!(bash(&format!("{}:{}", "$((a); ".repeat(60), ")".repeat(60))).stderr.contains("a: command not found"));
    // Patterns and regular expressions that take backtracking matchers very long.
    let text = "a".repeat(2000);
    for test in ["$x == +(+(a)|a*)c", "$x == *(*(*(a)))b", "$x == *a*a*a*a*a*a*a*a*a*a*a*b", "$x == !(*a*b)c"] {
        assert_eq!(bash(&format!("x={text}; [[ {test} ]]")).status, 1, "{test}");
    }
    assert_eq!(bash(&format!("x={text}; r='(a|aa)+$'; [[ ${{x}}b =~ $r ]]")).status, 1);
    assert_eq!(bash("r='((((a{999}){999}){999}){999})'; [[ a =~ $r ]]").status, 2);
}

#[test]
fn variables_and_arrays_are_bounded() {
    let limits = Limits { variables: 1 << 20, expansion: 1 << 20, ..Limits::default() };
    for text in [
        // A variable that doubles, alone, as an element, as a key, by `printf -v`.
        "x=0123456789abcdef; while :; do x=$x$x$x$x; done",
        "x=0123456789abcdef; while :; do x+=$x; done",
        "a=(0123456789abcdef); while :; do a+=(\"${a[@]}\"); done",
        "a[0]=0123456789abcdef; while :; do a[i++]+=${a[0]}${a[0]}; a[0]+=${a[0]}; done",
        "declare -A m; k=0123456789abcdef; while :; do k+=$k; m[$k]=; done",
        "x=0123456789abcdef; while :; do printf -v x %s%s \"$x\" \"$x\" || exit; done",
        // What functions hide stays counted.
        "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do x+=$x; done; f() { local x=$x; f; }; f",
        "yes | mapfile x",
        "shopt -s lastpipe; yes 0123456789abcdef | while mapfile -n 100000 -O ${#x[@]} x; do :; done; exit 1",
    ] {
        let ran = Script::new(text).mode(Mode::Bash).limits(limits).run();
        let said = ["the variables are larger than", "expands to more than", "the output is larger than", "are nested"];
        assert!(ran.status != 0 && said.iter().any(|text| ran.stderr.contains(text)), "{text}: {:.300}", ran.stderr);
    }
}

#[test]
fn references_and_subscripts_that_lead_to_themselves_end() {
    for text in [
        "declare -n a=b b=a; echo \"[$a]\"",
        "declare -n r='a[r]'; echo \"[$r]\"",
        "declare -n r='a[$r]'; r=1; echo \"[$r]\"",
        "x='a[x]'; echo $((x))",
        "a[0]='a[0]'; echo $((a[0]))",
        "declare -i i; i='i=i+1'; echo $i",
        "declare -A m=([k]='m[k]'); echo $((m[k]))",
        "x='${!x}'; echo \"${!x}\"",
    ] {
        let ran = Script::new(text).mode(Mode::Bash).run();
        assert!(ran.status <= 2, "{text}: {} {:.300}", ran.status, ran.stderr);
    }
    let deep = format!("echo $(({}0{}))", "a[".repeat(50_000), "]".repeat(50_000));
    assert_ne!(Script::new(deep).mode(Mode::Bash).run().status, 0);
    let deep = format!("{}0{}=1", "a[".repeat(5_000), "]".repeat(5_000));
    assert_ne!(Script::new(deep).mode(Mode::Bash).run().status, 0);
    let deep = format!("echo ${{{}0{}}}", "a[${".repeat(5_000), "}]".repeat(5_000));
    assert_ne!(Script::new(deep).mode(Mode::Bash).run().status, 0);
}
