//! A page on its way through.

use crate::edit;
use crate::key::has_any;
use crate::opening::{Opening, opening};
use crate::plan::Plan;
use crate::sink::Shared;
use crate::skim::{Next, Skim};
use crate::tag::Tag;
use lol_html::html_content::{BailOut, ContentType, Element};
use lol_html::{
    ElementContentHandlers, HandlerResult, HtmlRewriter, LocalHandlerTypes, MemorySettings, OutputSink,
    Selector, Settings,
};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

/// What the parser may use: an unfinished tag, which may hold an image as an address, and the stack of open elements.
const PARSER_BYTES_MAX: usize = 1024 * 1024;

/// After so many bytes it is asked whether everything is done; the rest of the page then bypasses the parser.
const PIECE_BYTES: usize = 4 * 1024;

/// A page that is being rewritten: write the origin's chunks, send what comes out.
#[derive(Debug)]
pub struct Page {
    /// The begin of the page, until it says how to look for the head.
    begin: Option<Vec<u8>>,
    /// Gone when there is nothing left to do.
    parser: Option<HtmlRewriter<'static, Outlet>>,
    sink: Shared,
    progress: Rc<Progress>,
    /// Walks over what the parser need not see, as long as that can be told.
    skim: Option<Skim>,
    /// Whether the parser sees what comes.
    is_watched: bool,
    /// A tag of which the end has not come yet.
    held: Vec<u8>,
}

/// What is still to be done.
#[derive(Debug)]
struct Progress {
    plan: Rc<Plan>,
    /// Steps that may match again, and steps that have not matched yet.
    left: Cell<usize>,
    /// The steps that an element may still be for.
    open: Vec<Cell<bool>>,
    /// Whether the parser is led to another place, and what it sees is no part of the page.
    is_muted: Cell<bool>,
    head: Cell<bool>,
    style: Cell<bool>,
    /// Whether the page has a head tag.
    in_head: Cell<bool>,
}

#[derive(Debug)]
struct Outlet(Shared);

impl OutputSink for Outlet {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.borrow_mut().write(chunk);
    }
}

impl Page {
    pub(crate) fn new(plan: &Rc<Plan>) -> Self {
        let sink = Shared::default();
        let progress = Rc::new(Progress {
            plan: plan.clone(),
            left: Cell::new(plan.steps.len()),
            open: plan.steps.iter().map(|_| Cell::new(true)).collect(),
            is_muted: Cell::new(false),
            head: Cell::new(!plan.head.is_empty()),
            style: Cell::new(!plan.css.is_empty()),
            in_head: Cell::new(false),
        });
        let skim = plan.steps.iter().all(|step| step.key.is_some()).then(Skim::default);
        let is_watched = !progress.is_placed();
        let mut page = Self { begin: None, parser: None, sink, progress, skim, is_watched, held: Vec::new() };
        if !page.progress.is_placed() {
            page.begin = Some(Vec::new());
        } else if !page.progress.is_done() {
            page.parse(Opening::Other);
        }
        page
    }

    fn parse(&mut self, opening: Opening) {
        let settings = settings(&self.progress, &self.sink, opening);
        self.parser = Some(HtmlRewriter::new(settings, Outlet(self.sink.clone())));
    }

    /// Whether everything is done, so that the rest of the page can be sent as it comes.
    pub fn is_done(&self) -> bool {
        self.parser.is_none() && self.begin.is_none()
    }

    /// Takes a chunk of the origin's page and appends what can be sent.
    pub fn write(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Some(mut begin) = self.begin.take() else { return self.pass(chunk, out) };
        begin.extend_from_slice(chunk);
        match opening(&begin) {
            Some(opening) => {
                self.parse(opening);
                self.pass(&begin, out);
            }
            None => self.begin = Some(begin),
        }
    }

    fn pass(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        match self.skim.take() {
            Some(skim) => self.walk(skim, chunk, out),
            None => self.parse_all(chunk, out),
        }
    }

    /// Walks over a chunk, and shows the parser the tags that a change may be for and what belongs to them.
    fn walk(&mut self, mut skim: Skim, chunk: &[u8], out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let joined = if held.is_empty() { Cow::Borrowed(chunk) } else { Cow::Owned([&held, chunk].concat()) };
        let page = &*joined;
        let (mut from, mut at) = (0, 0);
        while self.parser.is_some() {
            let here = &page[at..];
            match skim.next(here) {
                Next::Text(length) | Next::Remark(length) => at += length,
                Next::Unfinished => break,
                Next::Hard => {
                    self.watch(&page[from..at], &mut skim);
                    let rest = if self.is_watched { from } else { at };
                    self.is_watched = true;
                    return self.parse_all(&page[rest..], out);
                }
                Next::Tag(tag) => {
                    if !self.is_watched && !tag.is_end && self.progress.wants(here, &tag) {
                        self.watch(&page[from..at], &mut skim);
                        from = at;
                        self.is_watched = true;
                    }
                    skim.take(here, &tag);
                    at += tag.length;
                    if self.is_watched {
                        self.feed(&page[from..at]);
                        from = at;
                        self.look_away(&mut skim);
                    }
                }
            }
        }
        let rest = if self.parser.is_some() { at } else { page.len() };
        if self.is_watched {
            self.feed(&page[from..rest]);
        } else {
            self.sink.borrow_mut().out.extend_from_slice(&page[from..rest]);
        }
        if self.parser.is_some() {
            self.held = page[rest..].to_vec();
            self.skim = Some(skim);
        }
        out.append(&mut self.sink.borrow_mut().out);
    }

    /// Leads the parser, when it has looked away, to what comes after these bytes.
    fn watch(&mut self, before: &[u8], skim: &mut Skim) {
        if self.is_watched {
            return;
        }
        self.sink.borrow_mut().out.extend_from_slice(before);
        self.progress.is_muted.set(true);
        self.sink.borrow_mut().is_muted = true;
        self.feed(&skim.open.way());
        self.sink.borrow_mut().is_muted = false;
        self.progress.is_muted.set(false);
    }

    /// Looks away when nothing waits for what comes, and ends the parser when nothing is left to do.
    fn look_away(&mut self, skim: &mut Skim) {
        if !self.progress.is_placed() || !self.sink.borrow().is_settled() {
            return;
        }
        self.is_watched = false;
        skim.open.are_shared();
        if self.progress.is_done() {
            self.finish();
        }
    }

    /// Shows bytes to the parser; when it gave up, they are the page's as they are.
    fn feed(&mut self, bytes: &[u8]) {
        let Some(parser) = self.parser.as_mut() else {
            self.sink.borrow_mut().out.extend_from_slice(bytes);
            return;
        };
        if parser.write(bytes).is_err() {
            // It has written what it had, and what comes now is the origin's.
            self.parser = None;
            self.sink.borrow_mut().release();
        }
    }

    fn parse_all(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        // Where it can end early it is asked often whether it has; otherwise pieces would only cost.
        let piece_bytes = if self.progress.may_end_early() { PIECE_BYTES } else { rest.len() };
        while let Some(parser) = self.parser.as_mut().filter(|_| !rest.is_empty()) {
            let (piece, after) = rest.split_at(rest.len().min(piece_bytes));
            rest = after;
            if parser.write(piece).is_err() {
                // It has written what it had, and what comes now is the origin's.
                self.parser = None;
                self.sink.borrow_mut().release();
            } else if self.progress.is_done() && self.sink.borrow().is_settled() {
                self.finish();
            }
        }
        out.append(&mut self.sink.borrow_mut().out);
        out.extend_from_slice(rest);
    }

    /// Ends the page and appends what was held back.
    pub fn end(mut self, out: &mut Vec<u8>) {
        if let Some(begin) = self.begin.take() {
            self.parse(Opening::Other);
            self.pass(&begin, out);
        }
        let held = std::mem::take(&mut self.held);
        if self.is_watched {
            self.feed(&held);
        } else {
            self.sink.borrow_mut().out.extend_from_slice(&held);
        }
        self.finish();
        out.append(&mut self.sink.borrow_mut().out);
    }

    fn finish(&mut self) {
        let Some(parser) = self.parser.take() else { return };
        let whole = parser.end().is_ok();
        let mut sink = self.sink.borrow_mut();
        sink.release();
        while let Some((_, html)) = sink.endings.pop() {
            if whole {
                sink.out.extend_from_slice(html.as_bytes());
            }
        }
        // A page without any element: what is left to add is added at its end.
        if self.progress.head.take() {
            sink.out.extend_from_slice(self.progress.plan.head.as_bytes());
        }
        if self.progress.style.take() {
            sink.out.extend_from_slice(self.progress.plan.style().as_bytes());
        }
    }
}

impl Progress {
    fn is_placed(&self) -> bool {
        !self.head.get() && !self.style.get()
    }

    /// Whether every step has one element.
    fn may_end_early(&self) -> bool {
        self.plan.steps.iter().all(|step| step.once)
    }

    /// Whether a tag, with which the page goes on, may be one that is to be changed.
    fn wants(&self, page: &[u8], tag: &Tag) -> bool {
        let open = self.plan.steps.iter().zip(&self.open).filter(|(_, open)| open.get());
        has_any(page, tag, &open.filter_map(|(step, _)| step.key.as_ref()))
    }

    fn is_done(&self) -> bool {
        self.left.get() == 0 && self.is_placed()
    }
}

fn settings(progress: &Rc<Progress>, sink: &Shared, opening: Opening) -> Settings<'static, 'static> {
    let memory = MemorySettings::new()
        .with_max_allowed_memory_usage(PARSER_BYTES_MAX)
        .with_graceful_bail_out_on_memory_limit_exceeded(true);
    let released = sink.clone();
    let mut settings = Settings::new()
        .with_strict(false)
        .with_memory_settings(memory)
        .with_graceful_bail_out_on_content_handler_error(true)
        .append_bail_out_handler(move |_: &_, _: &mut BailOut<'_>| released.borrow_mut().release());
    let first = match opening {
        // Not all elements: the parser would stop at every one of them, long after the head.
        Opening::Html => "html > *, head > *",
        Opening::Other => "*",
    };
    if let (false, Ok(first)) = (progress.is_placed(), first.parse::<Selector>()) {
        let (progress, sink) = (progress.clone(), sink.clone());
        settings = settings.append_element_content_handler(handler(first, move |element| {
            place(&progress, element, &sink);
        }));
    }
    for index in 0..progress.plan.steps.len() {
        let (progress, sink) = (progress.clone(), sink.clone());
        let selector = progress.plan.steps[index].selector.clone();
        settings = settings.append_element_content_handler(handler(selector, move |element| {
            let step = &progress.plan.steps[index];
            if progress.is_muted.get() {
                return;
            }
            if step.once {
                if !progress.open[index].replace(false) {
                    return;
                }
                progress.left.set(progress.left.get() - 1);
            }
            edit::apply(&step.act, element, &sink);
        }));
    }
    settings
}

fn handler(
    selector: Selector,
    run: impl Fn(&mut Element<'_, '_>) + 'static,
) -> (Cow<'static, Selector>, ElementContentHandlers<'static, LocalHandlerTypes>) {
    let handlers =
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| -> HandlerResult {
            run(element);
            Ok(())
        });
    (Cow::Owned(selector), handlers)
}

/// Puts the head's html at the start of the head and the style sheet at its end, where it wins over the page's own.
/// Without a head both come before the first element, which is where browsers begin one.
fn place(progress: &Rc<Progress>, element: &mut Element<'_, '_>, sink: &Shared) {
    if progress.is_placed() {
        return;
    }
    match element.tag_name().as_str() {
        "html" => {}
        "head" if element.can_have_content() && !progress.in_head.replace(true) => {
            if progress.head.take() {
                element.prepend(&progress.plan.head, ContentType::Html);
            }
            let progress = progress.clone();
            edit::at_end(element, "head", sink, move |end, own, _| {
                if own && progress.style.take() {
                    end.before(&progress.plan.style(), ContentType::Html);
                }
            });
        }
        "title" | "meta" | "link" | "script" | "style" | "base" | "noscript" | "template"
            if progress.in_head.get() => {}
        _ => {
            if progress.head.take() {
                element.before(&progress.plan.head, ContentType::Html);
            }
            if progress.style.take() {
                element.before(&progress.plan.style(), ContentType::Html);
            }
        }
    }
}
