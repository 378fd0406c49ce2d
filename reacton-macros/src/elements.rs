//! A list of reactons: parsed, reduced to paths, and expanded to slots.

use std::collections::HashSet;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Error, Expr, ExprPath, ExprRange, Path, RangeLimits, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::diagnostics::{Problems, closest, spanning, written};

const ELEMENT: &str = "expected the path of a `#[reacton]` static, such as `A` or `path::B`, or of a group, `..GROUP`";

const DIRECTIONS: &str = "write `in A` for what the worker only reads, `out A` for what only the worker writes, or `A` for both";

/// What a list is for, which decides what is said of a wrong element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A shared set. Its elements may have directions.
    Shared,
    /// What is saved.
    Saved,
    /// A group.
    Group,
}

impl Use {
    /// The message about a member of a family.
    fn member(self) -> &'static str {
        match self {
            Self::Shared => {
                "one member of a family cannot be shared with a worker: \
                 share the family, whose members cross one by one"
            }
            Self::Saved => {
                "one member of a family cannot be saved: \
                 save the family, whose members are saved one by one"
            }
            Self::Group => "a group has whole families: name the family, without `.of(..)`",
        }
    }

    /// The message about an attribute on an element.
    fn attribute(self) -> &'static str {
        match self {
            Self::Shared => "an element cannot come and go: put the `cfg` on the whole worker",
            Self::Saved => "an element cannot come and go: put the `cfg` on the whole list",
            Self::Group => "an element cannot come and go: put the `cfg` on the whole group",
        }
    }
}

/// One element of a list: a reacton, or a group that is spread; with a direction, `in A` or `out ..GROUP`.
pub(crate) struct Element {
    /// `None` if both sides write it.
    direction: Option<Direction>,
    pub(crate) path: Path,
    /// Whether it is written `..path`: all that the group has.
    spread: bool,
}

impl Element {
    /// The call that sets its direction.
    fn directed(&self) -> Option<TokenStream> {
        let method = self.direction?.method();
        Some(quote!(.#method()))
    }

    /// Whether one side only writes it.
    pub(crate) fn is_directed(&self) -> bool {
        self.direction.is_some()
    }
}

/// Which side writes a reacton.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The store that spawns the worker.
    In,
    /// The worker.
    Out,
}

impl Direction {
    /// The method that sets this direction of a slot.
    fn method(self) -> Ident {
        let name = match self {
            Self::In => "inward",
            Self::Out => "outward",
        };
        Ident::new(name, Span::call_site())
    }

    /// Parses the words before a reacton. `out` is a keyword only there: elsewhere it may be a path.
    fn read(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Option<Self>> {
        let mut read = None;
        loop {
            let word: Ident = if input.peek(Token![in]) || precedes_path(input) {
                input.call(Ident::parse_any)?
            } else {
                return Ok(read);
            };
            let direction = match word.to_string().as_str() {
                "in" => Self::In,
                "out" => Self::Out,
                other => {
                    let hint = closest(other, &["in", "out"])
                        .map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
                    problems.at(&word, format!("unknown direction `{other}`: {hint}{DIRECTIONS}"));
                    continue;
                }
            };
            match read.replace(direction) {
                Some(before) if before == direction => {
                    problems.at(&word, format!("`{word}` is repeated: remove one of them"));
                }
                Some(_) => problems.at(&word, format!("a reacton has one direction: {DIRECTIONS}")),
                None => {}
            }
        }
    }
}

/// Whether the next word can only be a direction, because a path follows it. Names of statics are not taken for
/// directions: between two of them a comma is missing.
fn precedes_path(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let word: Option<Ident> = ahead.parse().ok();
    let is_word = word.is_some_and(|word| word.to_string().starts_with(char::is_lowercase));
    let begins_path = |next: Ident| {
        let next = next.to_string();
        syn::parse_str::<Ident>(&next).is_ok()
            || matches!(next.as_str(), "in" | "crate" | "self" | "super")
    };
    // `out ..GROUP`: a range between two reactons means nothing.
    is_word && (ahead.peek(Token![..]) || ahead.call(Ident::parse_any).is_ok_and(begins_path))
}

/// Reads `path::to::krate; A, B`, as a macro of the crate hands its list on. `empty` is the message for an empty one.
pub(crate) fn read_call(
    input: TokenStream,
    list: Use,
    empty: &str,
    problems: &mut Problems,
) -> syn::Result<(Path, Vec<Element>)> {
    let read = |input: ParseStream<'_>| {
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        if input.is_empty() {
            problems.push(Error::new(Span::call_site(), empty));
        }
        Ok((krate, read(input, list, problems)?))
    };
    read.parse2(input)
}

/// Reads the elements of a list, up to the end of `input`.
pub(crate) fn read(
    input: ParseStream<'_>,
    list: Use,
    problems: &mut Problems,
) -> syn::Result<Vec<Element>> {
    // Parsed as expressions first, so that a wrong element causes one precise error and the others are still checked.
    let mut directions = Vec::new();
    let mut elements = Punctuated::<Expr, Token![,]>::new();
    while !input.is_empty() {
        let begin = input.span();
        let direction = Direction::read(input, problems)?;
        if list == Use::Group && direction.is_some() {
            problems.push(Error::new(begin, "a group has no directions: write them in the list that shares it, as in `in ..GROUP`"));
        }
        directions.push(direction);
        let place = input.span();
        match input.parse() {
            Ok(element) => elements.push_value(element),
            Err(_) => return refuse(Error::new(place, ELEMENT), input, problems),
        }
        if input.is_empty() {
            break;
        }
        match input.parse() {
            Ok(comma) => elements.push_punct(comma),
            Err(error) => return refuse(error, input, problems),
        }
    }
    Ok(narrow(directions.into_iter().zip(elements), list, problems))
}

/// Reports `error` and consumes the rest, or syn would report it a second time.
fn refuse(
    error: Error,
    rest: ParseStream<'_>,
    problems: &mut Problems,
) -> syn::Result<Vec<Element>> {
    problems.push(error);
    rest.parse::<TokenStream>()?;
    Ok(Vec::new())
}

fn narrow(
    elements: impl IntoIterator<Item = (Option<Direction>, Expr)>,
    list: Use,
    problems: &mut Problems,
) -> Vec<Element> {
    let mut narrowed = Vec::new();
    let mut seen = HashSet::new();
    for (direction, element) in elements {
        let element = bare(element);
        let spread = matches!(element, Expr::Range(_));
        match spread_out(element) {
            Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => {
                let text = format!("{}{}", if spread { ".." } else { "" }, written(&path));
                if seen.contains(&text) {
                    problems.at(&path, format!("`{text}` is listed twice: remove one of them"));
                } else {
                    seen.insert(text);
                    narrowed.push(Element { direction, path, spread });
                }
            }
            Expr::Path(ExprPath { attrs, .. }) if !attrs.is_empty() => {
                problems.at(quote!(#(#attrs)*), list.attribute());
            }
            Expr::Reference(reference) => {
                let inner = reference.expr.to_token_stream();
                let message = format!("name the reacton itself, without `&`: `{inner}`");
                problems.at(&reference, message.replace(" :: ", "::"));
            }
            Expr::MethodCall(call) if call.method == "of" => {
                problems.at(&call, list.member());
            }
            other => problems.at(&other, ELEMENT),
        }
    }
    narrowed
}

/// The expression without the invisible groups that `macro_rules!` adds.
pub(crate) fn bare(element: Expr) -> Expr {
    match element {
        Expr::Group(group) => bare(*group.expr),
        element => element,
    }
}

/// What is spread in `..path`; any other expression as it is.
fn spread_out(element: Expr) -> Expr {
    match element {
        Expr::Range(ExprRange {
            attrs,
            start: None,
            limits: RangeLimits::HalfOpen(_),
            end: Some(end),
        }) if attrs.is_empty() => bare(*end),
        element => element,
    }
}

/// How one kind of list is expanded: which types of the library stand for its parts.
///
/// The names of its constants begin with underscores, because an element may be called `LEN`.
pub(crate) struct Expansion<'e> {
    pub(crate) krate: &'e Path,
    pub(crate) elements: &'e [Element],
    /// The type of a slot.
    pub(crate) slot: &'e str,
    /// The type of a part: some slots, or a group that is spread.
    pub(crate) part: &'e str,
    /// The function that makes a part of a group.
    pub(crate) spread: &'e str,
}

impl Expansion<'_> {
    /// An expression of type `&'static [Slot]`. `single` makes the slot of one reacton.
    pub(crate) fn slots(&self, single: impl Fn(&Element) -> TokenStream) -> TokenStream {
        if has_groups(self.elements) {
            return self.checked_slots(single);
        }
        let slots = self.elements.iter().map(single);
        quote!(&[#(#slots),*])
    }

    /// The same, with the check that tokens cannot make: that no two elements lead to one reacton.
    pub(crate) fn checked_slots(&self, single: impl Fn(&Element) -> TokenStream) -> TokenStream {
        let krate = self.krate;
        let slot = self.named(self.slot);
        let groups = self.elements.iter().filter(|element| element.spread);
        let groups = groups.map(|element| &element.path);
        let (list, joined) = (self.list(), self.joined(single));
        let checks = (1..self.elements.len()).map(|at| {
            let path = &self.elements[at].path;
            let at = Literal::usize_unsuffixed(at);
            let reject = quote!(<#krate::__private::ListPart>::reject_repeated::<>);
            let reject = spanning(path, reject);
            let call = spanning(path, quote!(#reject(__PARTS, #at, __REFS, __FIRSTS)));
            quote!(#call;)
        });
        quote!({
            const __GROUPS: &[#krate::__private::Group] = &[#(#groups),*];
            const __PARTS: &[#krate::__private::ListPart] = &[#(#list),*];
            const __LEN: usize = <#krate::__private::ListPart>::count(__PARTS);
            const __SLOTS: &[#slot] = &#joined;
            const __REFS: &[#krate::__private::ReactonRef; __LEN] = &<#slot>::refs::<__LEN>(__SLOTS);
            const __FIRSTS: &[usize] = &#krate::__private::firsts::<__LEN, { 2 * __LEN }>(__REFS);
            const _: () = {
                #(#checks)*
            };
            __SLOTS
        })
    }

    fn named(&self, name: &str) -> TokenStream {
        let (krate, name) = (self.krate, Ident::new(name, Span::call_site()));
        quote!(#krate::__private::#name)
    }

    /// How long each element is, and how it is written.
    fn list(&self) -> Vec<TokenStream> {
        let krate = self.krate;
        let mut group = 0;
        let part = |element: &Element| {
            let name = written(&element.path);
            if !element.spread {
                return quote!(<#krate::__private::ListPart>::one(#name));
            }
            let at = Literal::usize_unsuffixed(group);
            group += 1;
            quote!(<#krate::__private::ListPart>::group(#name, __GROUPS[#at].len()))
        };
        self.elements.iter().map(part).collect()
    }

    /// An array of the slots of all parts.
    fn joined(&self, single: impl Fn(&Element) -> TokenStream) -> TokenStream {
        let (slot, part) = (self.named(self.slot), self.named(self.part));
        let spread = Ident::new(self.spread, Span::call_site());
        let (mut parts, mut group) = (Vec::new(), 0);
        for run in self.elements.chunk_by(|one, other| !one.spread && !other.spread) {
            match run {
                [element @ Element { path, spread: true, .. }] => {
                    let at = Literal::usize_unsuffixed(group);
                    group += 1;
                    let make = spanning(path, quote!(<#part>::#spread::<>));
                    let make = spanning(path, quote!(#make(__GROUPS[#at])));
                    let direction = element.directed();
                    parts.push(quote!(#make #direction));
                }
                run => {
                    let slots = run.iter().map(&single);
                    parts.push(quote!(<#part>::of(&[#(#slots),*])));
                }
            }
        }
        quote!(<#slot>::joined::<__LEN>(&[#(#parts),*]))
    }
}

/// The slot of a shared reacton, made by the function `listed`: a missing bound is reported at its element.
pub(crate) fn shared_slot(krate: &Path, element: &Element, listed: &str) -> TokenStream {
    let (path, direction) = (&element.path, element.directed());
    let listed = Ident::new(listed, Span::call_site());
    let slot = spanning(path, quote!(<#krate::__private::SharedSlot>::#listed::<>));
    let new = spanning(path, quote!(<#krate::__private::ListEntry<_>>::new::<>));
    let new = spanning(path, quote!(#new(&#path)));
    let element = spanning(path, quote!(#new.entry()));
    quote!(#slot(#element) #direction)
}

/// Whether a group is spread in the list.
pub(crate) fn has_groups(elements: &[Element]) -> bool {
    elements.iter().any(|element| element.spread)
}
