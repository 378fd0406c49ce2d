//! Parses the arguments of an attribute, option by option, into [`Options`].

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Expr, ExprPath, LitStr, Path, Token, bracketed,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    parse_quote,
};

use crate::{
    answers,
    diagnostics::{Problems, closest, list},
    elements::{self, Element, Use},
    shared,
};

/// An attribute's name and its options, in the order in which messages list them.
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) options: &'static [&'static str],
}

/// The options of all attributes; those that an attribute does not have keep their defaults.
pub(crate) struct Options {
    pub(crate) krate: Path,
    pub(crate) id: Option<LitStr>,
    pub(crate) eq: Option<Equality>,
    pub(crate) zero_copy: bool,
    /// The values are written entry by entry.
    pub(crate) merge: bool,
    /// `None` only if no part of the attribute can have been meant as the list: after an error in the list there must
    /// be no error that it is missing.
    pub(crate) shared: Option<Vec<Element>>,
    /// As `shared`.
    pub(crate) answers: Option<Vec<Path>>,
    /// The variant of `Delivery`.
    pub(crate) delivery: Option<Ident>,
    pub(crate) name: Option<LitStr>,
}

/// The value of `eq`: when a written value counts as unchanged.
pub(crate) enum Equality {
    Never,
    By(ExprPath),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            krate: parse_quote!(::reacton),
            id: None,
            eq: None,
            zero_copy: false,
            merge: false,
            shared: None,
            answers: None,
            delivery: None,
            name: None,
        }
    }
}

/// Parses `tokens` as the options of `attribute`, reports the errors and returns the valid options.
pub(crate) fn parse(
    attribute: &Attribute,
    tokens: TokenStream,
    problems: &mut Problems,
) -> Options {
    let mut options = Options::default();
    let all = |input: ParseStream<'_>| options.read_all(attribute, input, problems);
    if let Err(error) = all.parse2(tokens) {
        problems.push(error);
    }
    options
}

impl Options {
    fn read_all(
        &mut self,
        attribute: &Attribute,
        input: ParseStream<'_>,
        problems: &mut Problems,
    ) -> syn::Result<()> {
        let mut seen = Vec::new();
        while !input.is_empty() {
            if let Err(error) = self.read_one(attribute, input, &mut seen, problems) {
                problems.push(error);
                skip_to_comma(input)?;
            }
            // Every option ends at a comma or at the end.
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    }

    fn read_one(
        &mut self,
        attribute: &Attribute,
        input: ParseStream<'_>,
        seen: &mut Vec<String>,
        problems: &mut Problems,
    ) -> syn::Result<()> {
        let Ok(key) = input.call(Ident::parse_any) else {
            self.shared.get_or_insert_default();
            return Err(input.error(format!(
                "expected an option: `#[{}]` takes {}",
                attribute.name,
                list(attribute.options)
            )));
        };
        let name = key.to_string();
        if !attribute.options.contains(&name.as_str()) {
            return Err(self.unknown(attribute, &key));
        }
        if seen.contains(&name) {
            let message = format!("`{name}` is given twice: remove one of them");
            return Err(Error::new(key.span(), message));
        }
        let place = value_of(&key, input);
        let read = self.read_value(&name, input, problems);
        seen.push(name);
        if read.is_ok() && at_comma(input) {
            return Ok(());
        }
        if read.is_ok() && input.peek(Ident::peek_any) {
            problems.push(input.error("expected `,` between two options"));
            return Ok(());
        }
        let hint = delivery_meant(&key, &place);
        Err(Error::new_spanned(place, format!("expected {}{hint}", form(&key))))
    }

    /// Parses the value of `key`. A failure only means that it does not have its [`form`].
    fn read_value(
        &mut self,
        key: &str,
        input: ParseStream<'_>,
        problems: &mut Problems,
    ) -> syn::Result<()> {
        match key {
            "zero_copy" => {
                self.zero_copy = true;
                return Ok(());
            }
            "merge" => {
                self.merge = true;
                return Ok(());
            }
            _ => {}
        }
        match key {
            "shared" => self.shared = Some(Vec::new()),
            "answers" => self.answers = Some(Vec::new()),
            _ => {}
        }
        input.parse::<Token![=]>()?;
        match key {
            "id" => self.id = Some(read_id(input, problems)?),
            "eq" => self.eq = Some(input.parse()?),
            "shared" => self.shared = Some(read_shared(input, problems)?),
            "answers" => self.answers = Some(read_answers(input, problems)?),
            "delivery" => self.delivery = Some(read_delivery(input)?),
            "name" => self.name = Some(read_name(input, problems)?),
            _ => self.krate = input.call(Path::parse_mod_style)?,
        }
        Ok(())
    }

    fn unknown(&mut self, attribute: &Attribute, key: &Ident) -> Error {
        let (name, suggestion) = (attribute.name, closest(&key.to_string(), attribute.options));
        if suggestion.is_none_or(|option| matches!(option, "shared" | "answers")) {
            self.shared.get_or_insert_default();
        }
        if name == "computed" && key == "zero_copy" {
            let message = "a computed is never shared: remove `zero_copy` and share the reactons that it reads";
            return Error::new(key.span(), message);
        }
        let hint = match suggestion {
            Some(option) => format!("did you mean `{option}`? "),
            None => match meant(attribute, key) {
                Some(option) => format!("write `{option}`; "),
                None if name == "worker" && BUILDER.iter().any(|option| key == option) => {
                    format!("that is said where it is spawned, by `builder().{key}(..)`; ")
                }
                None => String::new(),
            },
        };
        let takes = list(attribute.options);
        let message = format!("unknown option `{key}`: {hint}`#[{name}]` takes {takes}");
        Error::new(key.span(), message)
    }
}

impl Parse for Equality {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path: ExprPath = input.parse()?;
        let never = path.qself.is_none() && path.path.is_ident("never");
        Ok(if never { Self::Never } else { Self::By(path) })
    }
}

impl Equality {
    /// Whether the path is almost `never`: then it may be a function of that name, or a typo.
    pub(crate) fn resembles_never(path: &ExprPath) -> bool {
        let word = path.path.get_ident().map(Ident::to_string);
        path.qself.is_none() && word.is_some_and(|word| closest(&word, &["never"]).is_some())
    }
}

/// Options of a worker's builder that its attribute does not have.
const BUILDER: [&str; 7] =
    ["for_all", "handshake_timeout", "pool", "restart", "retries", "spin", "stack_size"];

/// The option for which a word looks like a value.
fn meant(attribute: &Attribute, word: &Ident) -> Option<String> {
    let text = word.to_string();
    let key = match text.as_str() {
        "never" => "eq",
        "latest" | "every" => "delivery",
        // Written like the name of a static.
        _ if text.starts_with(char::is_uppercase) => "shared",
        _ => return None,
    };
    let value = if key == "shared" { format!("[{word}]") } else { text };
    attribute.options.contains(&key).then(|| format!("{key} = {value}"))
}

/// The delivery that was probably meant: `Delivery::Latest`, `"latest"`, `lates`.
fn delivery_meant(key: &Ident, given: &TokenStream) -> String {
    if key != "delivery" {
        return String::new();
    }
    let last = given.clone().into_iter().last().map_or_else(String::new, |last| last.to_string());
    let word = last.trim_matches('"').to_lowercase();
    closest(&word, &["latest", "every"])
        .map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"))
}

/// How an option is written, for messages.
fn form(key: &Ident) -> &'static str {
    match key.to_string().as_str() {
        "id" => "`id = \"a::unique::path\"`",
        "eq" => "`eq = path`, the path of a `fn(&T, &T) -> bool`, or `eq = never`",
        "zero_copy" => "`zero_copy` alone, without a value",
        "merge" => "`merge` alone, without a value",
        "shared" => "`shared = [A, path::B]`",
        "answers" => "`answers = [A, path::B]`",
        "delivery" => "`delivery = latest` or `delivery = every`",
        "name" => "`name = \"thread-name\"`",
        _ => "`crate = path::to::reacton`",
    }
}

/// The tokens in the place of the value of `key`, or `key` itself if there are none.
fn value_of(key: &Ident, input: ParseStream<'_>) -> TokenStream {
    let ahead = input.fork();
    // If the `=` is missing, the fork stays in its place.
    let _: syn::Result<Token![=]> = ahead.parse();
    if at_comma(&ahead) {
        return key.to_token_stream();
    }
    let value = ahead.fork().parse::<Expr>().map(Expr::into_token_stream);
    let token = || ahead.parse().map(TokenTree::into);
    value.or_else(|_| token()).unwrap_or_default()
}

fn at_comma(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    // As a whole, if it is an expression, because a comma in a closure begins no option.
    if input.fork().parse::<Expr>().is_ok() {
        input.parse::<Expr>()?;
    }
    while !at_comma(input) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn read_id(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<LitStr> {
    let id: LitStr = input.parse()?;
    if id.value().is_empty() {
        problems.at(&id, "an id cannot be empty: write a path that no other reacton has, such as `\"app::count\"`");
    }
    Ok(id)
}

fn read_name(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<LitStr> {
    let name: LitStr = input.parse()?;
    if name.value().is_empty() {
        problems.at(
            &name,
            "a name cannot be empty: remove `name` to call the thread after its function",
        );
    }
    // std panics when a thread with such a name is started.
    if name.value().contains('\0') {
        problems.at(&name, "a thread's name cannot contain `\\0`: remove it");
    }
    Ok(name)
}

fn read_delivery(input: ParseStream<'_>) -> syn::Result<Ident> {
    let word: Ident = input.parse()?;
    match word.to_string().as_str() {
        "latest" => Ok(Ident::new("Latest", word.span())),
        "every" => Ok(Ident::new("Every", word.span())),
        _ => Err(input.error("unknown delivery")),
    }
}

fn read_shared(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Vec<Element>> {
    let list;
    let bracket = bracketed!(list in input);
    if list.is_empty() {
        problems.push(Error::new(bracket.span.join(), shared::empty("shared = [A]")));
    }
    elements::read(&list, Use::Shared, problems)
}

fn read_answers(input: ParseStream<'_>, problems: &mut Problems) -> syn::Result<Vec<Path>> {
    let elements;
    let bracket = bracketed!(elements in input);
    if elements.is_empty() {
        let message = "an empty list answers nothing: name at least one call, as in `answers = [A]`, or remove `answers`";
        problems.push(Error::new(bracket.span.join(), message));
    }
    answers::read(&elements, problems)
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests;
