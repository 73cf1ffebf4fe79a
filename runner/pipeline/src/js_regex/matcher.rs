//! Searching a subject with the instructions of a regular expression.
//!
//! Only whether it matches is asked for. Where nothing refers to a group, a place of the program at a place of the
//! subject that failed once fails always, so it is remembered and not tried again: the time grows with the product of
//! both lengths and no pattern is exponential. Where something does refer to a group, that does not hold, and the work
//! alone ends a search that takes too long.

use super::case::Case;
use super::node::{is_line_end, is_word};
use super::program::{Instruction, Program};
use crate::work::{OutOfWork, Work};

/// The most alternatives that wait to be tried, and bits that are remembered.
const MAX_WAITING: usize = 1 << 21;
const MAX_REMEMBERED: usize = 1 << 27;

/// A slot that holds nothing.
const NOWHERE: usize = usize::MAX;

/// What to do when nothing goes on.
enum Retreat {
    /// Go on at an instruction and a place.
    To(usize, usize),
    /// Give a slot its former value.
    Restore(usize, usize),
}

/// The state of one search.
pub(super) struct Matcher<'m> {
    pub(super) program: &'m Program<'m>,
    /// The subject, folded where case is ignored.
    pub(super) subject: &'m [u32],
    pub(super) case: Case,
    pub(super) multiline: bool,
    pub(super) work: &'m mut Work,
    slots: Vec<usize>,
    retreats: Vec<Retreat>,
    /// One bit for each split at each place that was tried; empty where groups are referred to.
    tried: Vec<u64>,
    /// The bits that were set within lookarounds, which are taken back where one succeeds.
    journal: Vec<usize>,
    depth: usize,
}

impl<'m> Matcher<'m> {
    pub(super) fn new(
        program: &'m Program<'m>,
        subject: &'m [u32],
        case: Case,
        multiline: bool,
        work: &'m mut Work,
    ) -> Self {
        let slots = vec![NOWHERE; program.slots];
        let (retreats, tried, journal) = (Vec::new(), Vec::new(), Vec::new());
        Self { program, subject, case, multiline, work, slots, retreats, tried, journal, depth: 0 }
    }

    /// Whether it matches at the start, or anywhere.
    pub(super) fn search(&mut self, anywhere: bool) -> Result<bool, OutOfWork> {
        if self.program.slots == 0 {
            let bits = self.program.splits.saturating_mul(self.subject.len() + 1);
            if bits > MAX_REMEMBERED {
                return Err(OutOfWork);
            }
            self.work.charge(bits / 64)?;
            self.tried = vec![0; bits.div_ceil(64)];
        }
        let last = if anywhere { self.subject.len() } else { 0 };
        for start in 0..=last {
            self.slots.fill(NOWHERE);
            if self.run(0, start)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the instructions from one on match at a place. Recurses into lookarounds only, whose depth is bounded
    /// by the parser.
    fn run(&mut self, mut at: usize, mut place: usize) -> Result<bool, OutOfWork> {
        let base = self.retreats.len();
        loop {
            self.work.charge(1)?;
            let goes_on = match &self.program.code[at] {
                Instruction::Accept => return Ok(true),
                Instruction::Never => false,
                Instruction::Jump(to) => {
                    at = *to;
                    continue;
                }
                Instruction::Split { number, first, second } => {
                    if self.is_new(*number, place) {
                        if self.retreats.len() >= MAX_WAITING {
                            return Err(OutOfWork);
                        }
                        self.retreats.push(Retreat::To(*second, place));
                        at = *first;
                        continue;
                    }
                    false
                }
                Instruction::Character { character, back } => {
                    self.step(&mut place, *back, |_, found| found == *character)
                }
                Instruction::Set { set, back } => self.step(&mut place, *back, |case, found| {
                    let holds = set.holds(found) || case.same_as(found).iter().any(|same| set.holds(*same));
                    holds != set.is_negated()
                }),
                Instruction::Start => place == 0 || (self.multiline && is_line_end(self.subject[place - 1])),
                Instruction::End => place == self.subject.len() || (self.multiline && is_line_end(self.subject[place])),
                Instruction::Boundary(inside) => {
                    let before = place > 0 && is_word(self.subject[place - 1]);
                    let behind = self.subject.get(place).is_some_and(|found| is_word(*found));
                    (before != behind) == *inside
                }
                Instruction::Back { group, back } => self.repeat_group(*group as usize, *back, &mut place)?,
                Instruction::Save(slot) => {
                    self.save(*slot, place)?;
                    true
                }
                Instruction::Moved(slot) => self.slots[*slot] != place,
                Instruction::Forget(slots) => {
                    for slot in slots.clone() {
                        self.save(slot, NOWHERE)?;
                    }
                    true
                }
                Instruction::Look { negated, next } => {
                    let found = self.look(at + 1, place, *negated)?;
                    if found != *negated {
                        at = *next;
                        continue;
                    }
                    false
                }
            };
            if goes_on {
                at += 1;
            } else {
                match self.retreat(base) {
                    Some((to, back_at)) => (at, place) = (to, back_at),
                    None => return Ok(false),
                }
            }
        }
    }

    /// Takes a character that is as asked for.
    fn step(&self, place: &mut usize, back: bool, is: impl Fn(Case, u32) -> bool) -> bool {
        let at = if back { place.checked_sub(1) } else { Some(*place) };
        let found = at.and_then(|at| self.subject.get(at)).is_some_and(|found| is(self.case, *found));
        if found {
            *place = if back { *place - 1 } else { *place + 1 };
        }
        found
    }

    /// Takes what a group matched once more; a group that matched nothing is empty.
    fn repeat_group(&mut self, group: usize, back: bool, place: &mut usize) -> Result<bool, OutOfWork> {
        let (begin, end) = (self.slots[2 * group], self.slots[2 * group + 1]);
        if begin == NOWHERE || end == NOWHERE {
            return Ok(true);
        }
        let length = end.saturating_sub(begin);
        self.work.charge(length)?;
        let from = if back { place.checked_sub(length) } else { Some(*place) };
        let same = from
            .and_then(|from| self.subject.get(from..from.checked_add(length)?))
            .is_some_and(|found| found == &self.subject[begin..end]);
        if same {
            *place = if back { *place - length } else { *place + length };
        }
        Ok(same)
    }

    fn look(&mut self, at: usize, place: usize, negated: bool) -> Result<bool, OutOfWork> {
        let (base, noted) = (self.retreats.len(), self.journal.len());
        self.depth += 1;
        let found = self.run(at, place)?;
        self.depth -= 1;
        if found {
            // Its alternatives are dropped. What it set stays until something before it fails, unless it must not match.
            if negated {
                while self.retreats.len() > base {
                    self.undo();
                }
            } else {
                let kept: Vec<Retreat> =
                    self.retreats.drain(base..).filter(|one| matches!(one, Retreat::Restore(..))).collect();
                self.retreats.extend(kept);
            }
            // What was tried on the way did not fail.
            for bit in self.journal.drain(noted..) {
                self.tried[bit / 64] &= !(1 << (bit % 64));
            }
        } else if self.depth == 0 {
            self.journal.clear();
        }
        Ok(found)
    }

    /// Whether a split was not tried at this place before.
    fn is_new(&mut self, split: usize, place: usize) -> bool {
        if self.tried.is_empty() {
            return true;
        }
        let bit = split * (self.subject.len() + 1) + place;
        let new = self.tried[bit / 64] & 1 << (bit % 64) == 0;
        if new {
            self.tried[bit / 64] |= 1 << (bit % 64);
            if self.depth > 0 {
                self.journal.push(bit);
            }
        }
        new
    }

    fn save(&mut self, slot: usize, value: usize) -> Result<(), OutOfWork> {
        if self.retreats.len() >= MAX_WAITING {
            return Err(OutOfWork);
        }
        self.retreats.push(Retreat::Restore(slot, self.slots[slot]));
        self.slots[slot] = value;
        Ok(())
    }

    /// Takes the last retreat back; where it leads to if it leads somewhere.
    fn undo(&mut self) -> Option<(usize, usize)> {
        match self.retreats.pop()? {
            Retreat::To(at, place) => Some((at, place)),
            Retreat::Restore(slot, value) => {
                self.slots[slot] = value;
                None
            }
        }
    }

    /// The next alternative that waits above `base`.
    fn retreat(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.retreats.len() > base {
            if let Some(to) = self.undo() {
                return Some(to);
            }
        }
        None
    }
}
