//! The signature of the function under `#[worker]`: what it must look like, and what its arguments are.

use proc_macro2::Ident;
use quote::format_ident;
use syn::{
    FnArg, GenericArgument, GenericParam, Lifetime, Pat, PatType, Path, PathArguments, PathSegment,
    Safety, Signature, Type, spanned::Spanned,
};

use crate::diagnostics::{Problems, shown_at, sized_form};

/// The parameters of a worker after the store: `spawn` takes them and `run` passes them on.
pub(crate) struct Arguments<'f> {
    /// The type of the store without its `&`, at which errors about it are reported.
    pub(crate) store: Option<&'f Type>,
    pub(crate) names: Vec<Ident>,
    pub(crate) types: Vec<&'f Type>,
    /// Whether the types may be used outside of the function. If not, that was reported.
    pub(crate) sound: bool,
}

/// The maximum number of arguments that a `WorkerBuilder` supports.
const MOST_ARGUMENTS: usize = 8;

/// Reports errors in the signature of a worker, and collects its arguments.
pub(crate) fn check<'f>(signature: &'f Signature, problems: &mut Problems) -> Arguments<'f> {
    check_qualifiers(signature, problems);
    let store = check_store(signature, problems);
    // Separate, because only these errors decide where the types can be used.
    let mut unsound = Problems::default();
    check_generics(signature, &mut unsound);
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for argument in signature.inputs.iter().skip(1) {
        if let FnArg::Typed(argument) = argument {
            names.push(name(argument, &signature.ident, &names));
            types.push(&*argument.ty);
            check_attributes(argument, &mut unsound);
            if is_a_store(&argument.ty) {
                report_store(argument, starts_with_a_store(signature), &mut unsound);
            } else {
                check_sized(&argument.ty, &mut unsound);
                check_owned(&argument.ty, &mut unsound);
            }
        }
    }
    if let Some(ninth) = types.get(MOST_ARGUMENTS) {
        let message = format!(
            "a worker takes at most {MOST_ARGUMENTS} arguments after its store: put some of them into a struct"
        );
        problems.at(ninth, message);
    }
    let sound = unsound.is_empty();
    problems.append(unsound);
    Arguments { store, names, types, sound }
}

fn check_qualifiers(signature: &Signature, problems: &mut Problems) {
    if let Some(token) = &signature.constness {
        problems.at(token, "a worker runs on a thread, not in the compiler: remove `const`");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        problems.at(token, "a worker is started from safe code: remove `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        problems.at(abi, "a worker is called by Rust only: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        problems.at(variadic, "a worker takes a fixed number of arguments: remove `...`");
    }
}

/// Returns the type of the store without its `&`, if there is one.
fn check_store<'f>(signature: &'f Signature, problems: &mut Problems) -> Option<&'f Type> {
    let (kind, expected) = match signature.asyncness {
        Some(_) => ("an async worker", "store: ReactonStore"),
        None => ("a worker", "store: &ReactonStore"),
    };
    let Some(FnArg::Typed(first)) = signature.inputs.first() else {
        let ident = &signature.ident;
        let message = format!("{kind} takes its store: write `{ident}({expected})`");
        problems.at(ident, message);
        return None;
    };
    match (bare(&first.ty), signature.asyncness) {
        (Type::Reference(borrow), None) => {
            if let Some(token) = &borrow.mutability {
                let message = "a store changes through a shared reference: remove `mut`";
                problems.at(token, message);
            }
            return Some(&borrow.elem);
        }
        (Type::Reference(borrow), Some(_)) => {
            let message = "an async worker owns its store, which must live as long as its future: \
                           write `ReactonStore`";
            problems.at(borrow, message);
        }
        (Type::Path(ty), None) if names_a_store(&ty.path) => {
            problems.at(ty, "a worker borrows its store: write `&ReactonStore`");
        }
        // Whether it is the store, the compiler checks at this type.
        (Type::Path(_), Some(_)) => {}
        // Reported at the store.
        _ if signature.inputs.iter().any(takes_a_store) => {}
        (ty, _) => {
            let message = format!("the first parameter of {kind} is its store: write `{expected}`");
            problems.at(ty, message);
        }
    }
    Some(&first.ty)
}

/// Reports a store after the first parameter: in the wrong place, or a second one.
fn report_store(argument: &PatType, after_another: bool, problems: &mut Problems) {
    let message = if after_another {
        "a store stays on its thread: share reactons instead, or take a `StoreHandle` to it"
    } else {
        "a worker's store is its first parameter: move it before the others"
    };
    problems.at(&argument.ty, message);
}

fn starts_with_a_store(signature: &Signature) -> bool {
    signature.inputs.first().is_some_and(takes_a_store)
}

fn takes_a_store(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Typed(argument) if is_a_store(&argument.ty))
}

fn is_a_store(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(borrow) => is_a_store(&borrow.elem),
        Type::Path(ty) => names_a_store(&ty.path),
        _ => false,
    }
}

fn names_a_store(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|segment| segment.ident == "ReactonStore")
}

/// Lifetimes are harmless: the store may be borrowed under a name.
fn check_generics(signature: &Signature, problems: &mut Problems) {
    let mut params = signature.generics.params.iter();
    if params.any(|param| !matches!(param, GenericParam::Lifetime(_))) {
        let message = "a worker cannot be generic, for it is one thread's function: name the types";
        problems.at(&signature.generics, message);
    }
}

/// An attribute macro sees parameters before `cfg` removes them.
fn check_attributes(argument: &PatType, problems: &mut Problems) {
    for attribute in argument.attrs.iter().filter(|a| a.path().is_ident("cfg")) {
        let message = "an argument cannot come and go: put the `cfg` on the whole worker";
        problems.at(attribute, message);
    }
}

/// Reports an argument that has to be boxed.
fn check_sized(ty: &Type, problems: &mut Problems) {
    if let Some(instead) = sized_form(bare(ty)) {
        problems.at(ty, format!("an argument has a size of its own: write `{instead}`"));
    }
}

/// Reports what in `ty` cannot be moved to another thread for good, as far as tokens show.
fn check_owned(ty: &Type, problems: &mut Problems) {
    match bare(ty) {
        Type::Reference(ty) if ty.lifetime.as_ref().is_some_and(is_static) => {
            check_owned(&ty.elem, problems);
        }
        Type::Reference(borrow) => {
            let message = "a worker outlives what its caller lends it: \
                           take an owned value, such as `String` for `&str`";
            problems.at(borrow, message);
        }
        Type::Path(ty) if ty.path.segments.last().is_some_and(is_local) => {
            let message =
                "a local reacton belongs to one store: share a `#[reacton]` static instead";
            problems.at(ty, message);
        }
        Type::ImplTrait(ty) => {
            let message =
                "a worker cannot be generic, for it is one thread's function: name the type";
            problems.at(ty, message);
        }
        Type::Array(ty) => check_owned(&ty.elem, problems),
        Type::Tuple(ty) => ty.elems.iter().for_each(|ty| check_owned(ty, problems)),
        Type::Path(ty) => {
            for segment in &ty.path.segments {
                check_arguments_owned(&segment.arguments, problems);
            }
        }
        _ => {}
    }
}

/// `Fn(&str)` borrows nothing: only types in angle brackets are part of the value.
fn check_arguments_owned(arguments: &PathArguments, problems: &mut Problems) {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return;
    };
    for argument in &arguments.args {
        match argument {
            GenericArgument::Type(ty) => check_owned(ty, problems),
            GenericArgument::Lifetime(lifetime) if !is_static(lifetime) => {
                let message = "a worker outlives what its caller lends it: write `'static`";
                problems.at(lifetime, message);
            }
            _ => {}
        }
    }
}

/// Whether it names something that is made at run time for one store.
fn is_local(last: &PathSegment) -> bool {
    ["LocalReacton", "LocalComputed", "ReadOnly"].iter().any(|name| last.ident == name)
}

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// The type without the parentheses and invisible groups that `macro_rules!` adds.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(ty) => bare(&ty.elem),
        Type::Paren(ty) => bare(&ty.elem),
        ty => ty,
    }
}

/// The name of `argument` in the generated functions: its own name if possible, without a leading underscore, which
/// would mean that it is unused.
fn name(argument: &PatType, worker: &Ident, taken: &[Ident]) -> Ident {
    let own = match &*argument.pat {
        Pat::Ident(pat) if pat.subpat.is_none() => pat.ident.to_string(),
        _ => String::new(),
    };
    let own = syn::parse_str::<Ident>(own.trim_start_matches('_'));
    let mut name = own.unwrap_or_else(|_| format_ident!("argument_{}", taken.len() + 1));
    while name == "store" || name == *worker || taken.contains(&name) {
        name = format_ident!("{name}_");
    }
    name.set_span(shown_at(argument.pat.span()));
    name
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots this way")]
mod tests {
    use expect_test::{Expect, expect};
    use proc_macro2::TokenStream;
    use quote::{ToTokens, quote};

    use super::*;
    use crate::diagnostics::testing::messages;

    fn check(signature: TokenStream, expected: &Expect) {
        let signature = syn::parse2(signature).expect("the tokens are a signature");
        let mut problems = Problems::default();
        super::check(&signature, &mut problems);
        expected.assert_eq(&messages(problems.to_token_stream()));
    }

    #[test]
    fn every_qualifier_and_parameter_that_a_worker_cannot_have_is_reported() {
        check(
            quote!(const unsafe extern "C" fn w<'a, T, const N: usize>(store: &'a mut ReactonStore, ...)),
            &expect![[r#"
                a worker runs on a thread, not in the compiler: remove `const`
                a worker is started from safe code: remove `unsafe`
                a worker is called by Rust only: remove `extern`
                a worker takes a fixed number of arguments: remove `...`
                a store changes through a shared reference: remove `mut`
                a worker cannot be generic, for it is one thread's function: name the types
            "#]],
        );
    }

    #[test]
    fn a_store_is_borrowed_and_an_async_one_owned() {
        check(quote!(fn w(store: &ReactonStore)), &expect![[""]]);
        check(quote!(async fn w(store: reacton::ReactonStore)), &expect![[""]]);
        check(
            quote!(fn w()),
            &expect![[r#"
            a worker takes its store: write `w(store: &ReactonStore)`
        "#]],
        );
        check(
            quote!(async fn w()),
            &expect![[r#"
            an async worker takes its store: write `w(store: ReactonStore)`
        "#]],
        );
        check(
            quote!(fn w(store: reacton::ReactonStore)),
            &expect![[r#"
            a worker borrows its store: write `&ReactonStore`
        "#]],
        );
        check(
            quote!(async fn w(store: &ReactonStore)),
            &expect![[r#"
            an async worker owns its store, which must live as long as its future: write `ReactonStore`
        "#]],
        );
        check(
            quote!(fn w(count: u32)),
            &expect![[r#"
            the first parameter of a worker is its store: write `store: &ReactonStore`
        "#]],
        );
        check(
            quote!(async fn w(pair: (u8, u8))),
            &expect![[r#"
            the first parameter of an async worker is its store: write `store: ReactonStore`
        "#]],
        );
    }

    #[test]
    fn a_store_comes_first_and_alone() {
        check(
            quote!(fn w(count: u32, store: &ReactonStore, name: &str)),
            &expect![[r#"
                a worker's store is its first parameter: move it before the others
                a worker outlives what its caller lends it: take an owned value, such as `String` for `&str`
            "#]],
        );
        check(
            quote!(fn w(store: &ReactonStore, main: ReactonStore, other: &reacton::ReactonStore)),
            &expect![[r#"
                a store stays on its thread: share reactons instead, or take a `StoreHandle` to it
                a store stays on its thread: share reactons instead, or take a `StoreHandle` to it
            "#]],
        );
    }

    #[test]
    fn an_argument_owns_what_it_holds() {
        check(
            quote!(fn w<'a>(
                store: &'a ReactonStore,
                label: &'static str,
                callback: Box<dyn Fn(&str) -> &str + Send>,
                convert: fn(&str) -> String,
                bytes: Cow<'static, [u8]>,
            )),
            &expect![[""]],
        );
        check(
            quote!(fn w<'a>(
                store: &ReactonStore,
                name: &str,
                names: Vec<Option<&'a str>>,
                pair: (u8, [&mut u8; 2]),
                text: Cow<'a, str>,
                callback: impl Fn(),
                later: Box<impl Future>,
                #[cfg(windows)] handle: Handle,
            )),
            &expect![[r#"
                a worker outlives what its caller lends it: take an owned value, such as `String` for `&str`
                a worker outlives what its caller lends it: take an owned value, such as `String` for `&str`
                a worker outlives what its caller lends it: take an owned value, such as `String` for `&str`
                a worker outlives what its caller lends it: write `'static`
                a worker cannot be generic, for it is one thread's function: name the type
                a worker cannot be generic, for it is one thread's function: name the type
                an argument cannot come and go: put the `cfg` on the whole worker
            "#]],
        );
    }

    #[test]
    fn arguments_have_valid_names_that_are_not_used_otherwise() {
        let signature = quote!(fn w(s: &ReactonStore, store: u8, _a: u8, a: u8, w: u8, _: u8, r#in: u8, _in: u8));
        let signature = syn::parse2(signature).expect("the tokens are a signature");
        let arguments = super::check(&signature, &mut Problems::default());
        let names: Vec<_> = arguments.names.iter().map(Ident::to_string).collect();
        assert_eq!(names, ["store_", "a", "a_", "w_", "argument_5", "r#in", "argument_7"]);
    }
}
