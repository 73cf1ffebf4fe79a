//! Which commands a script needs.

use stepbox_shell::{Mode, commands_of};

/// `name:line`, by name.
fn needs(script: &str) -> String {
    let found = commands_of(script.as_bytes(), Mode::Sh).expect("a script");
    found.iter().map(|one| format!("{}:{}", one.name, one.line)).collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_of_every_construct_are_found_with_their_first_line() {
    for (script, expected) in [
        ("", ""),
        ("npm ci\nls\nnpm test", "ls:2 npm:1"),
        ("cd x; echo y; export A=1; [ a = b ]; test a", ""),
        ("A=1 make all", "make:1"),
        ("./build.sh && /usr/bin/tool", "./build.sh:1 /usr/bin/tool:1"),
        ("'quoted' a", "quoted:1"),
        ("$RUNNER a; ${X}y b; \"$Z\"", ""),
        ("if a; then b; elif c; then d; else e; fi", "a:1 b:1 c:1 d:1 e:1"),
        ("while a; do b; done; until c; do d; done; for i in $(e); do f; done", "a:1 b:1 c:1 d:1 e:1 f:1"),
        ("case $(a) in $(b)) c;; esac", "a:1 b:1 c:1"),
        ("x=$(a | b) y=`c`", "a:1 b:1 c:1"),
        ("echo \"${v:-$(a)}\" $(( $(b) + 1 )) > $(c)", "a:1 b:1 c:1"),
        ("cat <<E\n$(a)\nE\ncat <<'E'\n$(b)\nE\n", "a:2 cat:1"),
        ("( a ); { b; }; ! c & d || e", "a:1 b:1 c:1 d:1 e:1"),
    ] {
        assert_eq!(needs(script), expected, "{script}");
    }
}

#[test]
fn functions_are_no_commands_and_what_they_call_is_one() {
    assert_eq!(needs("build() { make \"$@\"; }\nbuild all; deploy"), "deploy:2 make:1");
}

#[test]
fn scripts_in_scripts_are_looked_into() {
    for (script, expected) in [
        ("sh -c 'a | b'", "a:1 b:1 sh:1"),
        ("\nbash -ec \"a\nb\" name", "a:2 b:3 bash:2"),
        ("/bin/sh -e -c 'sh -c \"deep\"'", "/bin/sh:1 deep:1 sh:1"),
        ("sh -c \"$SCRIPT\"; sh script.sh", "sh:1"),
        ("eval 'a; b' c", "a:1 b:1"),
        ("trap 'cleanup' EXIT; trap - INT; trap '' TERM", "cleanup:1"),
        ("sh -c 'not ( a script'", "sh:1"),
    ] {
        assert_eq!(needs(script), expected, "{script}");
    }
}

#[test]
fn commands_that_start_others_are_looked_through() {
    for (script, expected) in [
        ("exec a b", "a:1"),
        ("command a; command -v b; command -- c", "a:1 c:1"),
        ("env -i A=1 -u B a x", "a:1 env:1"),
        ("timeout -k 5 10s a", "a:1 timeout:1"),
        ("nice -n 5 a; nohup b; time c", "a:1 b:1 c:1 nice:1 nohup:1 time:1"),
        ("ls | xargs -0 -n 1 -I {} a {}", "a:1 ls:1 xargs:1"),
        ("find . -name x -exec a {} ';' -execdir b {} +", "a:1 b:1 find:1"),
        ("env; timeout; xargs; exec > log", "env:1 timeout:1 xargs:1"),
        ("timeout 5 sh -c 'a'", "a:1 sh:1 timeout:1"),
    ] {
        assert_eq!(needs(script), expected, "{script}");
    }
}

#[test]
fn scripts_in_scripts_are_bounded() {
    let mut script = "echo".to_owned();
    for _ in 0..60 {
        script = format!("eval {}", script.replace('\\', "\\\\").replace(' ', "\\ "));
        if script.len() > 1 << 20 {
            break;
        }
    }
    let _ = commands_of(script.as_bytes(), Mode::Sh);
    for word in ["exec ", "find -exec ", "env ", "xargs "] {
        let _ = commands_of(word.repeat(50_000).as_bytes(), Mode::Sh);
    }
}
