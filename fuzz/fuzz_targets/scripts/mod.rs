//! Scripts made from arbitrary bytes: every one is well formed and ends, and none looks at anything that differs from
//! machine to machine. What dash or bash and our shell make of one must be the same.

use arbitrary::{Result, Unstructured};

/// Makes a script.
pub struct Maker<'u, 'd> {
    bytes: &'u mut Unstructured<'d>,
    bash: bool,
    depth: u32,
    /// Makes names that no other part of the script has.
    number: u32,
    /// Which functions may be called here: none calls itself, by whatever way.
    callable: &'static [&'static str],
    in_function: bool,
}

const NAMES: &[&str] = &["a", "b", "v", "w"];
const LITERALS: &[&str] = &[
    "x", "ab", "a b", "*", "?", "a*", "[ab]", "~", "-n", "x=y", "1", "07", "-3", "", ":", "a:b:", "'", "\"", "\\", "$",
    "\t", "é",
];
const PATTERNS: &[&str] =
    &["*", "?", "a*", "*b", "[a-c]", "[!a]*", "x", "a?", "*[0-9]", "\\*", "'*'", "\"?\"*", "[]a]", "[[:alpha:]]*", ""];
const SEPARATORS: &[&str] = &[" ", ":", "", " :", "x", ", "];

impl<'u, 'd> Maker<'u, 'd> {
    pub fn new(bytes: &'u mut Unstructured<'d>, bash: bool) -> Self {
        Self { bytes, bash, depth: 0, number: 0, callable: &["f", "g"], in_function: false }
    }

    /// The whole script. It ends with a look at what is left of the variables.
    pub fn script(&mut self) -> Result<String> {
        let mut text = String::new();
        for _ in 0..self.bytes.int_in_range(1..=6)? {
            text += &self.list()?;
            if self.bytes.is_empty() {
                break;
            }
        }
        text += "printf '%s|' \"$?\" \"$#\" \"${a-unset}\" \"${b-unset}\" \"${v-unset}\" \"$w\" \"$@\"\n";
        Ok(text)
    }

    fn pick(&mut self, from: &[&'static str]) -> Result<&'static str> {
        self.bytes.choose(from).copied()
    }

    fn below(&mut self, end: u32) -> Result<u32> {
        self.bytes.int_in_range(0..=end - 1)
    }

    fn fresh(&mut self) -> String {
        self.number += 1;
        format!("i{}", self.number)
    }

    /// Lines of commands.
    fn list(&mut self) -> Result<String> {
        self.depth += 1;
        let mut text = String::new();
        for _ in 0..self.bytes.int_in_range(1..=3)? {
            text += &self.and_or()?;
            text.push('\n');
            if self.bytes.is_empty() {
                break;
            }
        }
        self.depth -= 1;
        Ok(text)
    }

    fn and_or(&mut self) -> Result<String> {
        let mut text = self.pipeline()?;
        if text.ends_with("E\n") {
            return Ok(text);
        }
        for _ in 0..self.below(6)?.saturating_sub(3) {
            text += self.pick(&[" && ", " || "])?;
            text += &self.pipeline()?;
            if text.ends_with("E\n") {
                break;
            }
        }
        Ok(text)
    }

    fn pipeline(&mut self) -> Result<String> {
        let text = self.command()?;
        Ok(match self.below(14)? {
            0 => format!("! {text}"),
            1 if !text.contains("<<") => format!("{text} | while IFS= read -r x; do printf '(%s)' \"$x\"; done"),
            2 if !text.contains("<<") => format!("{text} | cat"),
            _ => text,
        })
    }

    fn command(&mut self) -> Result<String> {
        if self.depth > 4 {
            return self.simple();
        }
        let kind = self.below(if self.bash { 34 } else { 26 })?;
        Ok(match kind {
            0..=9 => self.simple()?,
            10 => format!("{{ {}}}{}", self.list()?, self.redirect()?),
            11 => format!("( {}){}", self.list()?, self.redirect()?),
            12 => format!("if {}then {}else {}fi", self.list()?, self.list()?, self.list()?),
            13 => format!("if {}then {}elif {}then {}fi", self.list()?, self.list()?, self.list()?, self.list()?),
            14 => format!("for {} in {}; do {}done", self.pick(NAMES)?, self.words()?, self.body()?),
            15 => format!("for {}; do {}done", self.pick(NAMES)?, self.body()?),
            16 | 17 => {
                let name = self.fresh();
                let (word, test) = if self.below(2)? == 0 { ("while", "-lt") } else { ("until", "-ge") };
                format!("{name}=0; {word} [ ${name} {test} 3 ]; do {name}=$(({name}+1)); {}done", self.body()?)
            }
            18 | 19 => format!(
                "case {} in {}) {};; {} | {}) {};; *) {};; esac",
                self.word()?,
                self.pattern()?,
                self.list()?,
                self.pattern()?,
                self.pattern()?,
                self.list()?,
                self.list()?
            ),
            20 | 21 => self.function()?,
            22 => format!("eval {}", quoted(&self.list()?)),
            23 => format!("cat <<E\n{}\nE\n", self.here_document()?),
            24 => format!("cat <<'E'\n{}\nE\n", self.here_document()?),
            25 => format!(
                "{} | {{ IFS={} read {} {}; printf '<%s>' \"${{a-}}\" \"${{v-}}\"; }}",
                self.printing()?,
                quoted(self.pick(SEPARATORS)?),
                self.pick(&["", "-r"])?,
                self.pick(&["a", "a v", "a b v"])?
            ),
            26 => format!("[[ {} ]]", self.long_test(2)?),
            27 => format!("(( {} ))", self.arithmetic(2)?),
            28 => {
                let name = self.fresh();
                format!("for (( {name}=0; {name}<3; {name}++ )); do {}done", self.body()?)
            }
            29 => format!("r=({}); printf '{{%s}}' \"${{r[@]}}\" \"${{#r[@]}}\"", self.words()?),
            30 => format!(
                "r[{}]={}; printf '{{%s}}' \"${{!r[@]}}\" \"${{r[@]{}}}\"",
                self.below(5)?,
                self.word()?,
                self.each()?
            ),
            31 => format!(
                "declare -A m=([{}]=\"\"{} [k]=\"\"{}); printf '{{%s}}' \"${{m[k]{}}}\" \"${{#m[@]}}\"",
                self.pick(&["x", "y", "a b", "'*'"])?,
                self.word()?,
                self.word()?,
                self.each()?
            ),
            32 => format!("printf -v {} '%s-%d' {} {}", self.pick(NAMES)?, self.word()?, self.below(90)?),
            _ => format!("mapfile -t r < <({}); printf '{{%s}}' \"${{r[@]}}\"", self.printing()?),
        })
    }

    /// An operator on each element of an array.
    fn each(&mut self) -> Result<String> {
        Ok(match self.below(7)? {
            0 => format!("#{}", self.pattern()?),
            1 => format!("%%{}", self.pattern()?),
            2 => format!("/{}/{}", self.pattern()?, self.pick(&["", "y", "zz"])?),
            3 => "^^".into(),
            4 => "@Q".into(),
            5 => format!(":{}", self.below(3)?),
            _ => String::new(),
        })
    }

    /// The body of a loop, which may leave it.
    fn body(&mut self) -> Result<String> {
        let text = self.list()?;
        Ok(match self.below(8)? {
            0 => text + "break\n",
            1 => text + "continue\n",
            2 => format!("{text}[ \"$a\" = x ] && break 2\n"),
            3 => format!("{text}[ \"$#\" -gt 1 ] || continue 2\n"),
            _ => text,
        })
    }

    fn function(&mut self) -> Result<String> {
        if self.callable.is_empty() || self.in_function {
            return self.simple();
        }
        let outer = self.callable;
        let name = self.pick(outer)?;
        self.callable = if name == "f" { &["g"] } else { &[] };
        self.in_function = true;
        let body = self.list();
        (self.callable, self.in_function) = (outer, false);
        let end = self.pick(&["", "return 3\n", "return\n", "false\n", "set -- p q\n"])?;
        let text = body?;
        // A `g` that calls nothing is there before anything can call it.
        Ok(format!("{name}() {{ {text}{end}}}; {name} {}", self.words()?))
    }

    fn simple(&mut self) -> Result<String> {
        Ok(match self.below(30)? {
            0..=7 => self.printing()? + &self.redirect()?,
            8..=10 => format!("{}={}", self.pick(NAMES)?, self.word()?),
            11 => format!("{}={} {}={}", self.pick(NAMES)?, self.word()?, self.pick(NAMES)?, self.word()?),
            12 => format!(
                "[ {} {} {} ]",
                self.word_quoted()?,
                self.pick(&["=", "!=", "-eq", "-lt"])?,
                self.word_quoted()?
            ),
            13 => format!("test {} {}", self.pick(&["-n", "-z", "-e", "!"])?, self.word_quoted()?),
            14 => format!("set -- {}", self.words()?),
            15 => "shift".into(),
            16 => format!("unset {}", self.pick(NAMES)?),
            17 => self.pick(&["true", "false", ":", "(exit 3)"])?.into(),
            18 => self.pick(&["set -e", "set +e", "set -u", "set +u", "set -f", "set +f"])?.into(),
            19 => format!("IFS={}", quoted(self.pick(SEPARATORS)?)),
            20 if !self.callable.is_empty() => {
                format!("command -v {0} >/dev/null && {0} {1}", self.callable[0], self.words()?)
            }
            21 if self.depth < 3 => format!("trap {} EXIT", quoted(&format!("printf T; {}", self.printing()?))),
            22 => format!("exit {}", self.pick(&["", "0", "4"])?),
            23 if self.in_function => format!("local {}={}", self.pick(NAMES)?, self.word_quoted()?),
            24 => format!("export {}={}", self.pick(NAMES)?, self.word_quoted()?),
            25 => format!("{}={} eval 'printf \"%s\" \"$a$b\"'", self.pick(NAMES)?, self.word()?),
            26 => format!("readonly q{}={}", self.fresh(), self.word_quoted()?),
            27 => format!(": ${{{}:={}}}", self.pick(NAMES)?, self.inner()?),
            28 => format!("printf '%s' \"$(({}))\"", self.arithmetic(2)?),
            _ => format!(
                "while getopts ab: o {}; do printf '<%s %s>' \"$o\" \"${{OPTARG-}}\"; done; OPTIND=1",
                self.pick(&["-a -b x", "-ab y z", "-b", "-ax", "-- -a"])?
            ),
        })
    }

    fn printing(&mut self) -> Result<String> {
        Ok(format!("printf '[%s]' {}; printf '\\n'", self.words()?))
    }

    fn redirect(&mut self) -> Result<String> {
        Ok(match self.below(20)? {
            0 => " >out".into(),
            1 => " >>out".into(),
            3 => " 3>&1 >out".into(),
            4 => " >&-".into(),
            5 => " </dev/null".into(),
            _ => String::new(),
        })
    }

    fn words(&mut self) -> Result<String> {
        let mut text = String::new();
        for number in 0..self.bytes.int_in_range(1..=4)? {
            if number > 0 {
                text.push(' ');
            }
            text += &self.word()?;
        }
        Ok(text)
    }

    fn word(&mut self) -> Result<String> {
        let mut text = self.part()?;
        for _ in 0..self.below(5)?.saturating_sub(2) {
            text += &self.part()?;
        }
        Ok(text)
    }

    fn word_quoted(&mut self) -> Result<String> {
        Ok(format!("\"{}\"", self.inside()?))
    }

    /// What may stand between double quotes.
    fn inside(&mut self) -> Result<String> {
        Ok(match self.below(8)? {
            0 => "$@".into(),
            1 => "$*".into(),
            2 => format!("${}", self.pick(NAMES)?),
            3 => format!("-${{{}}}-", self.pick(NAMES)?),
            4 => self.parameter()?,
            5 => self.substitution()?,
            6 => format!("$(({}))", self.arithmetic(1)?),
            _ => self.pick(&["x", "a b", "", "*", "\\\\", "\\$", "'", "\\\"", "\\x", "{a,b}"])?.into(),
        })
    }

    fn part(&mut self) -> Result<String> {
        Ok(match self.below(if self.bash { 17 } else { 15 })? {
            0..=2 => quoted(self.pick(LITERALS)?),
            3 => self.pick(&["x", "ab", "a", "1", "\\*", "\\ ", "=", "a:b", "é", "b*", "?", "[x"])?.into(),
            4..=6 => self.word_quoted()?,
            7 => format!("${}", self.pick(NAMES)?),
            8 => self.pick(&["$@", "$*", "$#", "$?", "\"$@\"", "\"$*\"", "${#}", "$1", "${1-}", "\"$2\""])?.into(),
            9..=11 => self.parameter()?,
            12 => self.substitution()?,
            13 => format!("$(({}))", self.arithmetic(2)?),
            14 => "~".into(),
            15 => self
                .pick(&["{a,b}", "{1..3}", "{a,b{c,d}}", "{x}", "{,y}", "$'a\\tb'", "$'\\x41'", "{3..1}", "{a..e..2}"])?
                .into(),
            _ => format!("${{{}{}}}", self.pick(NAMES)?, self.each()?),
        })
    }

    /// `${…}`.
    fn parameter(&mut self) -> Result<String> {
        let name = self.pick(&["a", "b", "v", "w", "1", "2", "@", "*"])?;
        if matches!(name, "@" | "*") {
            return Ok(format!("${{{name}{}}}", self.pick(&["", "-x", ":-x y"])?));
        }
        Ok(match self.below(10)? {
            0 => format!("${{#{name}}}"),
            1 | 2 => format!("${{{name}#{}}}", self.pattern()?),
            3 => format!("${{{name}##{}}}", self.pattern()?),
            4 => format!("${{{name}%{}}}", self.pattern()?),
            5 => format!("${{{name}%%{}}}", self.pattern()?),
            6 => format!("${{{name}-{}}}", self.inner()?),
            7 => format!("${{{name}:-{}}}", self.inner()?),
            8 => format!("${{{name}:+{}}}", self.inner()?),
            _ => format!("${{{name}+{}}}", self.inner()?),
        })
    }

    /// The word of an operator.
    fn inner(&mut self) -> Result<String> {
        if self.depth > 5 {
            return Ok("x".into());
        }
        self.depth += 1;
        let text = match self.below(6)? {
            0 => self.pick(&["x", "a b", "*", "a\\ b", "~", ""])?.into(),
            1 => "\"a  b\"".into(),
            2 => "\"$@\"".into(),
            3 => self.parameter()?,
            4 => format!("${} x", self.pick(NAMES)?),
            _ => format!("\"${}\"", self.pick(NAMES)?),
        };
        self.depth -= 1;
        Ok(text)
    }

    fn pattern(&mut self) -> Result<String> {
        Ok(match self.below(4)? {
            0 => format!("${}", self.pick(NAMES)?),
            1 => format!("\"${}\"", self.pick(NAMES)?),
            _ => self.pick(PATTERNS)?.into(),
        })
    }

    fn substitution(&mut self) -> Result<String> {
        if self.depth > 3 {
            return Ok("$(printf 's t')".into());
        }
        self.depth += 2;
        let text =
            if self.below(6)? == 0 { "`printf '%s' \"a  b\"; exit 2`".into() } else { format!("$({})", self.list()?) };
        self.depth -= 2;
        Ok(text)
    }

    fn arithmetic(&mut self, depth: u32) -> Result<String> {
        if depth == 0 {
            return Ok(match self.below(4)? {
                0 => "7".into(),
                1 => "0x1f".into(),
                2 => self.below(100)?.to_string(),
                _ => "$#".into(),
            });
        }
        let operators: &[&str] =
            &["+", "-", "*", "<", ">", "<=", "==", "!=", "&&", "||", "&", "|", "^", "<<", ">>", "/", "%"];
        Ok(match self.below(7)? {
            0 => format!(
                "({} ? {} : {})",
                self.arithmetic(depth - 1)?,
                self.arithmetic(depth - 1)?,
                self.arithmetic(depth - 1)?
            ),
            1 => format!("{}{}", self.pick(&["-", "!", "~", "+"])?, self.arithmetic(depth - 1)?),
            2 => format!("(n {} {})", self.pick(&["=", "+=", "*=", "-="])?, self.arithmetic(depth - 1)?),
            _ => {
                let operator = self.pick(operators)?;
                let right = match operator {
                    "<<" | ">>" | "/" | "%" => (self.below(9)? + 1).to_string(),
                    _ => self.arithmetic(depth - 1)?,
                };
                format!("({} {operator} {right})", self.arithmetic(depth - 1)?)
            }
        })
    }

    fn here_document(&mut self) -> Result<String> {
        let mut text = String::new();
        for _ in 0..self.bytes.int_in_range(1..=3)? {
            text += &match self.below(4)? {
                0 => self.inside()?,
                1 => self.pick(&["plain 'text'", "a \"b\" \\c", "\\$x \\\\", "tail\\\nhead"])?.to_owned(),
                2 => self.parameter()?,
                _ => format!("${} ", self.pick(NAMES)?),
            };
        }
        Ok(text)
    }

    fn long_test(&mut self, depth: u32) -> Result<String> {
        Ok(match self.below(if depth > 0 { 8 } else { 5 })? {
            0 => format!("{} == {}x", self.word_quoted()?, self.pattern()?),
            1 => format!("${} != {}", self.pick(NAMES)?, self.word_quoted()?),
            2 => format!("{} {}", self.pick(&["-n", "-z"])?, self.word()?),
            3 => format!("{} -lt {}", self.below(5)?, self.below(5)?),
            4 => format!("{} =~ {}", self.word_quoted()?, self.pick(&["^a", "b$", "[0-9]+", "(a|x)b?", "\"*\"", "."])?),
            5 => format!("{} && {}", self.long_test(depth - 1)?, self.long_test(depth - 1)?),
            6 => format!("{} || {}", self.long_test(depth - 1)?, self.long_test(depth - 1)?),
            _ => format!("! ( {} )", self.long_test(depth - 1)?),
        })
    }
}

/// Between single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
