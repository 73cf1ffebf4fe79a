//! From the parts of a regular expression to instructions, for a subject of a known length.

use std::ops::Range;

use super::MAX_PROGRAM;
use super::case::Case;
use super::node::{Node, Set};
use super::parser::Pattern;

/// One instruction. Those that take a character take the one before the place where `back` is set, as in a lookbehind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Instruction<'p> {
    Character {
        character: u32,
        back: bool,
    },
    Set {
        set: &'p Set,
        back: bool,
    },
    Start,
    End,
    Boundary(bool),
    Back {
        group: u32,
        back: bool,
    },
    /// Goes on at two places, first at the one. `number` counts all of them.
    Split {
        number: usize,
        first: usize,
        second: usize,
    },
    Jump(usize),
    /// Keeps the place in a slot: the begin or end of a group, or where a round began.
    Save(usize),
    /// Fails where the place is the one of a slot: a round that took nothing.
    Moved(usize),
    /// Forgets slots.
    Forget(Range<usize>),
    /// What follows, up to [`Instruction::Accept`], must match here or must not; then it goes on at `next`.
    Look {
        negated: bool,
        next: usize,
    },
    Accept,
    Never,
}

/// The instructions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program<'p> {
    pub(super) code: Vec<Instruction<'p>>,
    pub(super) splits: usize,
    pub(super) slots: usize,
}

/// It would have more than [`MAX_PROGRAM`] instructions.
pub(super) struct TooLarge;

/// Compiles a pattern for a subject of `length` characters.
pub(super) fn compile(pattern: &Pattern, case: Case, length: usize) -> Result<Program<'_>, TooLarge> {
    // What groups match only matters where something refers to one.
    let keep = pattern.refers;
    let slots = if keep { 2 * (pattern.captures as usize + 1) } else { 0 };
    let program = Program { code: Vec::new(), splits: 0, slots };
    let mut compiler = Compiler { program, case, keep, length, visits: 0 };
    compiler.node(&pattern.root, false)?;
    compiler.push(Instruction::Accept)?;
    Ok(compiler.program)
}

struct Compiler<'p> {
    program: Program<'p>,
    case: Case,
    keep: bool,
    length: usize,
    visits: usize,
}

impl<'p> Compiler<'p> {
    fn push(&mut self, instruction: Instruction<'p>) -> Result<usize, TooLarge> {
        if self.program.code.len() >= MAX_PROGRAM {
            return Err(TooLarge);
        }
        self.program.code.push(instruction);
        Ok(self.program.code.len() - 1)
    }

    /// A split whose places are set later.
    fn split(&mut self) -> Result<usize, TooLarge> {
        self.program.splits += 1;
        let number = self.program.splits - 1;
        self.push(Instruction::Split { number, first: 0, second: 0 })
    }

    /// Where the next instruction comes.
    fn here(&self) -> usize {
        self.program.code.len()
    }

    fn node(&mut self, node: &'p Node, back: bool) -> Result<(), TooLarge> {
        // Parts without instructions may be repeated too.
        self.visits += 1;
        if self.visits > MAX_PROGRAM {
            return Err(TooLarge);
        }
        let instruction = match node {
            Node::Empty => return Ok(()),
            Node::Character(character) => Instruction::Character { character: self.case.fold(*character), back },
            Node::Set(set) => Instruction::Set { set, back },
            Node::Start => Instruction::Start,
            Node::End => Instruction::End,
            Node::Boundary(inside) => Instruction::Boundary(*inside),
            Node::Back(group) => Instruction::Back { group: *group, back },
            Node::Capture(number, node) => return self.capture(*number as usize, node, back),
            Node::Look { behind, negated, node } => {
                let look = self.push(Instruction::Look { negated: *negated, next: 0 })?;
                self.node(node, *behind)?;
                self.push(Instruction::Accept)?;
                self.program.code[look] = Instruction::Look { negated: *negated, next: self.here() };
                return Ok(());
            }
            Node::Sequence(all) => {
                return if back {
                    all.iter().rev().try_for_each(|node| self.node(node, back))
                } else {
                    all.iter().try_for_each(|node| self.node(node, back))
                };
            }
            Node::Either(all) => return self.either(all, back),
            Node::Repeat { node, least, most, greedy, captures } => {
                return self.repeat(node, (*least, *most), *greedy, captures, back);
            }
        };
        self.push(instruction).map(|_| ())
    }

    fn capture(&mut self, number: usize, node: &'p Node, back: bool) -> Result<(), TooLarge> {
        if !self.keep {
            return self.node(node, back);
        }
        let (begin, end) = (2 * number, 2 * number + 1);
        self.push(Instruction::Save(if back { end } else { begin }))?;
        self.node(node, back)?;
        self.push(Instruction::Save(if back { begin } else { end })).map(|_| ())
    }

    fn either(&mut self, all: &'p [Node], back: bool) -> Result<(), TooLarge> {
        let mut jumps = Vec::new();
        for (number, node) in all.iter().enumerate() {
            if number + 1 == all.len() {
                self.node(node, back)?;
                break;
            }
            let split = self.split()?;
            self.aim(split, split + 1, None);
            self.node(node, back)?;
            jumps.push(self.push(Instruction::Jump(0))?);
            self.aim(split, split + 1, Some(self.here()));
        }
        let end = self.here();
        for jump in jumps {
            self.program.code[jump] = Instruction::Jump(end);
        }
        Ok(())
    }

    /// Sets the places of a split.
    fn aim(&mut self, split: usize, to_first: usize, to_second: Option<usize>) {
        if let Some(Instruction::Split { first, second, .. }) = self.program.code.get_mut(split) {
            *first = to_first;
            *second = to_second.unwrap_or(*second);
        }
    }

    /// Rounds are written out one by one. As many as the subject has characters are as good as endless ones: those
    /// beyond could only be empty.
    fn repeat(
        &mut self,
        node: &'p Node,
        (least, most): (usize, Option<usize>),
        greedy: bool,
        captures: &Range<u32>,
        back: bool,
    ) -> Result<(), TooLarge> {
        if least > self.length && takes_something(node) {
            return self.push(Instruction::Never).map(|_| ());
        }
        for _ in 0..least {
            self.forget(captures)?;
            self.node(node, back)?;
        }
        let more = most.map(|most| most - least).filter(|more| *more <= self.length);
        let mut splits = Vec::new();
        for _ in 0..more.unwrap_or(1) {
            let split = self.split()?;
            splits.push(split);
            let slot = self.keep.then(|| {
                self.program.slots += 1;
                self.program.slots - 1
            });
            if let Some(slot) = slot {
                self.push(Instruction::Save(slot))?;
            }
            self.forget(captures)?;
            self.node(node, back)?;
            if let Some(slot) = slot {
                self.push(Instruction::Moved(slot))?;
            }
            if more.is_none() {
                self.push(Instruction::Jump(split))?;
            }
        }
        let end = self.here();
        for split in splits {
            let (first, second) = if greedy { (split + 1, end) } else { (end, split + 1) };
            self.aim(split, first, Some(second));
        }
        Ok(())
    }

    fn forget(&mut self, captures: &Range<u32>) -> Result<(), TooLarge> {
        if self.keep && !captures.is_empty() {
            let slots = 2 * captures.start as usize..2 * captures.end as usize;
            self.push(Instruction::Forget(slots))?;
        }
        Ok(())
    }
}

/// Whether a part takes at least one character wherever it matches; no where it cannot be told at once.
fn takes_something(node: &Node) -> bool {
    match node {
        Node::Character(_) | Node::Set(_) => true,
        Node::Capture(_, node) => takes_something(node),
        Node::Sequence(all) => all.iter().any(takes_something),
        Node::Either(all) => all.iter().all(takes_something),
        Node::Repeat { node, least, .. } => *least > 0 && takes_something(node),
        Node::Empty | Node::Start | Node::End | Node::Boundary(_) | Node::Back(_) | Node::Look { .. } => false,
    }
}
