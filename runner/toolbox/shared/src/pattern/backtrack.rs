use super::node::{Look, Node, Set, is_word};

/// How large a program may become, in instructions.
const MAX_PROGRAM: usize = 200_000;

/// How many steps one search may take.
const MAX_STEPS: u64 = 20_000_000;

/// How many ways may wait to be tried.
const MAX_WAITING: usize = 2_000_000;

/// Places of groups: beginnings and ends in turn.
type Slots = Vec<Option<usize>>;

enum Step {
    Char(char),
    Byte(u8),
    Any,
    Set(Set),
    Look(Look),
    /// Here the place is noted.
    Save(usize),
    /// First this way, then that.
    Split(usize, usize),
    Jump(usize),
    Same(usize),
    /// Fails where nothing was matched since the slot was saved: a repetition of nothing ends.
    Moved(usize),
    Match,
}

/// A matcher for patterns that refer back to their groups: it tries one way after the other, a bounded number of steps.
pub(super) struct Program {
    steps: Vec<Step>,
    slots: usize,
    groups: usize,
    ambiguous: bool,
    ignore_case: bool,
    multi_line: bool,
}

/// A search took more steps than it may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exhausted;

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the pattern with back-references takes too many steps on this line")
    }
}

impl std::error::Error for Exhausted {}

impl Program {
    pub(super) fn new(node: &Node, groups: usize, ignore_case: bool, multi_line: bool) -> Result<Self, String> {
        let mut program = Self {
            steps: vec![],
            slots: 2 * (groups + 1),
            groups,
            ambiguous: node.is_ambiguous(),
            ignore_case,
            multi_line,
        };
        program.add(node)?;
        program.push(Step::Match)?;
        Ok(program)
    }

    fn push(&mut self, step: Step) -> Result<usize, String> {
        if self.steps.len() == MAX_PROGRAM {
            return Err("the pattern is too big".to_owned());
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn add(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Empty => {}
            Node::Char(character) => drop(self.push(Step::Char(*character))?),
            Node::Byte(byte) => drop(self.push(Step::Byte(*byte))?),
            Node::Any => drop(self.push(Step::Any)?),
            Node::Set(set) => drop(self.push(Step::Set(set.clone()))?),
            Node::Look(look) => drop(self.push(Step::Look(*look))?),
            Node::Same(group) => drop(self.push(Step::Same(*group))?),
            Node::Group(number, node) => {
                self.push(Step::Save(2 * number))?;
                self.add(node)?;
                self.push(Step::Save(2 * number + 1))?;
            }
            Node::Concat(nodes) => {
                for node in nodes {
                    self.add(node)?;
                }
            }
            Node::Alternate(nodes) => {
                let mut jumps = vec![];
                for (at, node) in nodes.iter().enumerate() {
                    if at + 1 == nodes.len() {
                        self.add(node)?;
                    } else {
                        let split = self.push(Step::Split(0, 0))?;
                        self.add(node)?;
                        jumps.push(self.push(Step::Jump(0))?);
                        self.steps[split] = Step::Split(split + 1, self.steps.len());
                    }
                }
                for jump in jumps {
                    self.steps[jump] = Step::Jump(self.steps.len());
                }
            }
            Node::Repeat { node, min, max } => {
                for _ in 0..*min {
                    self.add(node)?;
                }
                match max {
                    None => {
                        let slot = self.slots;
                        self.slots += 1;
                        let split = self.push(Step::Split(0, 0))?;
                        self.push(Step::Save(slot))?;
                        self.add(node)?;
                        self.push(Step::Moved(slot))?;
                        self.push(Step::Jump(split))?;
                        self.steps[split] = Step::Split(split + 1, self.steps.len());
                    }
                    Some(max) => {
                        let mut splits = vec![];
                        for _ in *min..*max {
                            splits.push(self.push(Step::Split(0, 0))?);
                            self.add(node)?;
                        }
                        for split in splits {
                            self.steps[split] = Step::Split(split + 1, self.steps.len());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The leftmost match from `start` on: its groups.
    pub(super) fn find(&self, text: &[u8], start: usize) -> Result<Option<super::Groups>, Exhausted> {
        let mut steps = 0;
        let mut at = start;
        loop {
            if let Some(slots) = self.match_at(text, at, &mut steps)? {
                let pair = |group: usize| Some((slots[2 * group]?, slots[2 * group + 1]?));
                return Ok(Some((0..=self.groups).map(pair).collect()));
            }
            if at >= text.len() {
                return Ok(None);
            }
            at += character_at(text, at).map_or(1, char::len_utf8);
        }
    }

    fn match_at(&self, text: &[u8], start: usize, steps: &mut u64) -> Result<Option<Slots>, Exhausted> {
        let mut best: Option<Slots> = None;
        let mut slots: Slots = vec![None; self.slots];
        slots[0] = Some(start);
        // Ways that wait, and slots to put back when what came after them has failed.
        enum Waiting {
            Way(usize, usize),
            Slot(usize, Option<usize>),
        }
        let mut waiting = vec![Waiting::Way(0, start)];
        while let Some(next) = waiting.pop() {
            let (mut step, mut at) = match next {
                Waiting::Slot(slot, value) => {
                    slots[slot] = value;
                    continue;
                }
                Waiting::Way(step, at) => (step, at),
            };
            loop {
                *steps += 1;
                if *steps > MAX_STEPS || waiting.len() > MAX_WAITING {
                    return if best.is_some() { Ok(best) } else { Err(Exhausted) };
                }
                let length = match &self.steps[step] {
                    Step::Match => {
                        slots[1] = Some(at);
                        if best.as_ref().is_none_or(|best| best[1] < Some(at)) {
                            best = Some(slots.clone());
                        }
                        if !self.ambiguous || at == text.len() {
                            return Ok(best);
                        }
                        None
                    }
                    Step::Char(wanted) => {
                        character_at(text, at).filter(|found| self.equal(*found, *wanted)).map(char::len_utf8)
                    }
                    Step::Byte(byte) => (text.get(at) == Some(byte)).then_some(1),
                    Step::Any => character_at(text, at).map(char::len_utf8),
                    Step::Set(set) => match character_at(text, at) {
                        Some(found) => set.holds(found, self.ignore_case).then(|| found.len_utf8()),
                        None => text.get(at).filter(|byte| set.holds_byte(**byte)).map(|_| 1),
                    },
                    Step::Look(look) => self.looks(*look, text, at).then_some(0),
                    Step::Save(slot) => {
                        waiting.push(Waiting::Slot(*slot, slots[*slot]));
                        slots[*slot] = Some(at);
                        Some(0)
                    }
                    Step::Split(first, second) => {
                        waiting.push(Waiting::Way(*second, at));
                        step = *first;
                        continue;
                    }
                    Step::Jump(to) => {
                        step = *to;
                        continue;
                    }
                    Step::Moved(slot) => (slots[*slot] != Some(at)).then_some(0),
                    Step::Same(group) => match (slots[2 * group], slots[2 * group + 1]) {
                        (Some(from), Some(to)) => self.same(&text[from..to], text, at),
                        _ => None,
                    },
                };
                let Some(length) = length else { break };
                at += length;
                step += 1;
            }
        }
        Ok(best)
    }

    fn equal(&self, found: char, wanted: char) -> bool {
        found == wanted || (self.ignore_case && found.to_lowercase().eq(wanted.to_lowercase()))
    }

    /// How long what stands at `at` is, if it is the same text.
    fn same(&self, wanted: &[u8], text: &[u8], at: usize) -> Option<usize> {
        let found = text.get(at..at + wanted.len())?;
        let equal = if self.ignore_case { found.eq_ignore_ascii_case(wanted) } else { found == wanted };
        equal.then_some(wanted.len())
    }

    fn looks(&self, look: Look, text: &[u8], at: usize) -> bool {
        let before = || character_before(text, at).is_some_and(is_word);
        let after = || character_at(text, at).is_some_and(is_word);
        match look {
            Look::LineStart => at == 0 || (self.multi_line && text[at - 1] == b'\n'),
            Look::LineEnd => at == text.len() || (self.multi_line && text[at] == b'\n'),
            Look::TextStart => at == 0,
            Look::TextEnd => at == text.len(),
            Look::Boundary => before() != after(),
            Look::NoBoundary => before() == after(),
            Look::WordStart => !before() && after(),
            Look::WordEnd => before() && !after(),
            Look::NoWordBefore => !before(),
            Look::NoWordAfter => !after(),
        }
    }
}

/// The character that begins at a place, if one does.
pub(super) fn character_at(text: &[u8], at: usize) -> Option<char> {
    let first = *text.get(at)?;
    if first < 0x80 {
        return Some(char::from(first));
    }
    let rest = &text[at..text.len().min(at + 4)];
    rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

fn character_before(text: &[u8], at: usize) -> Option<char> {
    (1..=4.min(at)).find_map(|length| character_at(text, at - length).filter(|found| found.len_utf8() == length))
}
