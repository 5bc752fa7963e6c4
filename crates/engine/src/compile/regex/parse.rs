//! Reads JavaScript's regular expressions, without the flags `u` and `v`.

use super::fold::ignore_case as fold;
use super::{Node, Units, complement, tidy};
use crate::nfa::Look;
use splitlight_protocol::{Code, Issue};

/// Why a pattern is not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is no regular expression; in JavaScript it would be an error.
    Invalid(String),
    /// It is one that cannot run in linear time, or not the same everywhere.
    Unsupported(String),
}

impl Refused {
    /// The defect of a pattern, for who wrote it.
    pub(crate) fn issue(&self, pointer: &str) -> Issue {
        match self {
            Self::Invalid(reason) => {
                let reason = format!("this is not a regular expression: {reason}");
                Issue::error(pointer, reason, "correct the pattern").coded(Code::Regex)
            }
            Self::Unsupported(reason) => {
                let reason = format!("this pattern does not run the same everywhere: {reason}");
                Issue::error(pointer, reason, "write it without that").coded(Code::Regex)
            }
        }
    }
}

/// How deep groups may be in groups; reading is recursive.
const DEPTH_MAX: usize = 50;

const DIGITS: [(u32, u32); 1] = [(0x30, 0x39)];
const WORDS: [(u32, u32); 4] = [(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
/// ECMA-262 §22.2: `WhiteSpace` and `LineTerminator`.
const SPACES: [(u32, u32); 10] = [
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];
const LINE_ENDS: [(u32, u32); 3] = [(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

pub(super) fn parse(pattern: &str, ignore_case: bool) -> Result<Node, Refused> {
    let mut parser = Parser { rest: pattern.chars().collect(), at: 0, ignore_case, depth: 0 };
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(invalid("it has a `)` too many")),
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
    ignore_case: bool,
    depth: usize,
}

fn invalid(reason: &str) -> Refused {
    Refused::Invalid(reason.to_owned())
}

fn unsupported(reason: &str) -> Refused {
    Refused::Unsupported(reason.to_owned())
}

/// What a class escape or a character stands for.
enum Atom {
    One(u32),
    Set(Units),
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = text.chars().enumerate().all(|(at, c)| self.rest.get(self.at + at) == Some(&c));
        if there {
            self.at += text.chars().count();
        }
        there
    }

    fn either(&mut self) -> Result<Node, Refused> {
        let mut ways = vec![self.then()?];
        while self.eat("|") {
            ways.push(self.then()?);
        }
        Ok(if ways.len() == 1 { ways.remove(0) } else { Node::Either(ways) })
    }

    fn then(&mut self) -> Result<Node, Refused> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let node = self.term()?;
            nodes.push(self.quantified(node)?);
        }
        Ok(if nodes.is_empty() { Node::Empty } else { Node::Then(nodes) })
    }

    fn term(&mut self) -> Result<Node, Refused> {
        match self.next() {
            Some('^') => Ok(Node::Look(Look::Start)),
            Some('$') => Ok(Node::Look(Look::End)),
            Some('.') => Ok(Node::Unit(complement(LINE_ENDS.to_vec()))),
            Some('(') => self.group(),
            Some('[') => self.class(),
            Some('\\') => self.escaped(),
            Some('*' | '+' | '?') => Err(invalid("it repeats nothing")),
            Some('{') if self.counts().is_some() => Err(invalid("it repeats nothing")),
            Some(c) => Ok(self.literal(c)),
            None => Ok(Node::Empty),
        }
    }

    fn literal(&self, c: char) -> Node {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        let nodes = units.map(|unit| self.unit(vec![(u32::from(*unit), u32::from(*unit))]));
        Node::Then(nodes.collect())
    }

    fn unit(&self, ranges: Units) -> Node {
        Node::Unit(if self.ignore_case { fold(&ranges) } else { tidy(ranges) })
    }

    fn group(&mut self) -> Result<Node, Refused> {
        if self.eat("?") {
            let named = self.peek() == Some('<') && !matches!(self.rest.get(self.at + 1), Some('=' | '!'));
            if named {
                while self.next().ok_or_else(|| invalid("a group's name has no end"))? != '>' {}
            } else if !self.eat(":") {
                return Err(unsupported("looking ahead or behind does not run in linear time"));
            }
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refused::Unsupported(format!("it has more than {DEPTH_MAX} groups in groups")));
        }
        let node = self.either()?;
        self.depth -= 1;
        if self.eat(")") { Ok(node) } else { Err(invalid("a `(` has no `)`")) }
    }

    fn quantified(&mut self, node: Node) -> Result<Node, Refused> {
        let simple = match self.peek() {
            Some('*') => Some((0, None)),
            Some('+') => Some((1, None)),
            Some('?') => Some((0, Some(1))),
            _ => None,
        };
        let (least, most) = match simple {
            Some(counts) => {
                self.at += 1;
                counts
            }
            None if self.eat("{") => {
                let Some(counts) = self.counts() else {
                    // Without numbers it is a brace, as in JavaScript.
                    self.at -= 1;
                    return Ok(node);
                };
                counts
            }
            None => return Ok(node),
        };
        if matches!(node, Node::Look(Look::Start | Look::End | Look::Word | Look::NoWord)) {
            return Err(invalid("it repeats nothing"));
        }
        // Whether it takes as much or as little as it can makes no difference to whether it matches.
        self.eat("?");
        if most.is_some_and(|most| most < least) {
            return Err(invalid("the numbers in `{}` are out of order"));
        }
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err(invalid("it repeats nothing"));
        }
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    /// What is between braces, when that is a number or two; then it is eaten.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.at;
        let counts = self.read_counts();
        if counts.is_none() {
            self.at = start;
        }
        counts
    }

    fn read_counts(&mut self) -> Option<(u32, Option<u32>)> {
        let least = self.number()?;
        let most = if self.eat(",") {
            if self.peek() == Some('}') { None } else { Some(self.number()?) }
        } else {
            Some(least)
        };
        self.eat("}").then_some((least, most))
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
            self.at += 1;
        }
        number
    }

    fn escaped(&mut self) -> Result<Node, Refused> {
        match self.peek() {
            Some('b') => {
                self.at += 1;
                Ok(Node::Look(Look::Word))
            }
            Some('B') => {
                self.at += 1;
                Ok(Node::Look(Look::NoWord))
            }
            Some(c) if c > '\u{ffff}' => {
                self.at += 1;
                Ok(self.literal(c))
            }
            _ => Ok(match self.escape()? {
                Atom::One(unit) => self.unit(vec![(unit, unit)]),
                Atom::Set(ranges) => self.unit(ranges),
            }),
        }
    }

    /// What a backslash and what follows it stand for, within a class or outside.
    fn escape(&mut self) -> Result<Atom, Refused> {
        let c = self.next().ok_or_else(|| invalid("it ends with a backslash"))?;
        Ok(match c {
            'd' => Atom::Set(DIGITS.to_vec()),
            'D' => Atom::Set(complement(DIGITS.to_vec())),
            'w' => Atom::Set(WORDS.to_vec()),
            'W' => Atom::Set(complement(WORDS.to_vec())),
            's' => Atom::Set(SPACES.to_vec()),
            'S' => Atom::Set(complement(SPACES.to_vec())),
            't' => Atom::One(0x09),
            'n' => Atom::One(0x0a),
            'v' => Atom::One(0x0b),
            'f' => Atom::One(0x0c),
            'r' => Atom::One(0x0d),
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => Atom::One(0),
            '0'..='9' | 'k' => return Err(unsupported("going back to a group does not run in linear time")),
            'p' | 'P' => return Err(unsupported("`\\p` means something else without the flag `u`")),
            'x' => Atom::One(self.hex(2).unwrap_or(u32::from('x'))),
            'u' if self.peek() == Some('{') => {
                return Err(unsupported("`\\u{}` means something else without the flag `u`"));
            }
            'u' => Atom::One(self.hex(4).unwrap_or(u32::from('u'))),
            'c' => match self.peek() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    Atom::One(u32::from(letter) % 32)
                }
                // The backslash is a backslash then.
                _ => {
                    self.at -= 1;
                    Atom::One(u32::from('\\'))
                }
            },
            c if c > '\u{ffff}' => return Err(unsupported("a class has a character beyond U+FFFF")),
            c => Atom::One(u32::from(c)),
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.get(self.at..self.at + digits)?;
        let number = text.iter().try_fold(0, |number, c| Some(number * 16 + c.to_digit(16)?))?;
        self.at += digits;
        Some(number)
    }

    fn class(&mut self) -> Result<Node, Refused> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        while !self.eat("]") {
            let from = self.class_atom()?;
            let is_range =
                self.peek() == Some('-') && !matches!(self.rest.get(self.at + 1), None | Some(']'));
            if !is_range {
                match from {
                    Atom::One(unit) => ranges.push((unit, unit)),
                    Atom::Set(set) => ranges.extend(set),
                }
                continue;
            }
            self.at += 1;
            match (from, self.class_atom()?) {
                (Atom::One(from), Atom::One(to)) if from <= to => ranges.push((from, to)),
                (Atom::One(_), Atom::One(_)) => return Err(invalid("a range in a class is out of order")),
                // A set on either side makes the hyphen one.
                (from, to) => {
                    ranges.push((0x2d, 0x2d));
                    for atom in [from, to] {
                        match atom {
                            Atom::One(unit) => ranges.push((unit, unit)),
                            Atom::Set(set) => ranges.extend(set),
                        }
                    }
                }
            }
        }
        let ranges = if self.ignore_case { fold(&ranges) } else { tidy(ranges) };
        Ok(Node::Unit(if negated { complement(ranges) } else { ranges }))
    }

    fn class_atom(&mut self) -> Result<Atom, Refused> {
        match self.next().ok_or_else(|| invalid("a `[` has no `]`"))? {
            '\\' if self.eat("b") => Ok(Atom::One(0x08)),
            '\\' => self.escape(),
            c if c > '\u{ffff}' => Err(unsupported("a class has a character beyond U+FFFF")),
            c => Ok(Atom::One(u32::from(c))),
        }
    }
}
