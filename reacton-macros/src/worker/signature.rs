//! The function under `#[worker]`: what it must look like, and what its arguments are.

use proc_macro2::Ident;
use quote::format_ident;
use syn::{
    FnArg, GenericArgument, GenericParam, Lifetime, Pat, PatType, PathArguments, Safety, Signature,
    Type, spanned::Spanned,
};

use crate::diagnostics::{Problems, shown_at};

/// The parameters of a worker behind its store: what `spawn` asks for and `run` hands on.
pub(crate) struct Arguments<'f> {
    pub(crate) names: Vec<Ident>,
    pub(crate) types: Vec<&'f Type>,
    /// Whether the types can stand outside of the function too. If not, that has been reported.
    pub(crate) sound: bool,
}

/// Reports what keeps `signature` from being a worker's, and collects its arguments.
pub(crate) fn check<'f>(signature: &'f Signature, problems: &mut Problems) -> Arguments<'f> {
    check_qualifiers(signature, problems);
    check_store(signature, problems);
    // Kept apart, since only these decide what the types can be used for.
    let mut unsound = Problems::default();
    check_generics(signature, &mut unsound);
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for argument in signature.inputs.iter().skip(1) {
        if let FnArg::Typed(argument) = argument {
            names.push(name(argument, &signature.ident, &names));
            types.push(&*argument.ty);
            check_attributes(argument, &mut unsound);
            check_owned(&argument.ty, &mut unsound);
        }
    }
    let sound = unsound.is_empty();
    problems.append(unsound);
    Arguments {
        names,
        types,
        sound,
    }
}

fn check_qualifiers(signature: &Signature, problems: &mut Problems) {
    if let Some(token) = &signature.constness {
        problems.at(
            token,
            "a worker runs on a thread, not in the compiler: remove `const`",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        problems.at(token, "a worker is started from safe code: remove `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        problems.at(abi, "a worker is called by Rust only: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        problems.at(
            variadic,
            "a worker takes a fixed number of arguments: remove `...`",
        );
    }
}

fn check_store(signature: &Signature, problems: &mut Problems) {
    let (expected, keyword) = match signature.asyncness {
        Some(_) => ("store: ReactonStore", "an async worker"),
        None => ("store: &ReactonStore", "a worker"),
    };
    let Some(FnArg::Typed(first)) = signature.inputs.first() else {
        let message = format!(
            "{keyword} takes its store: write `{}({expected})`",
            signature.ident
        );
        return problems.at(&signature.ident, message);
    };
    match (bare(&first.ty), signature.asyncness) {
        (Type::Reference(ty), None) => {
            if let Some(token) = &ty.mutability {
                problems.at(
                    token,
                    "a store changes through a shared reference: remove `mut`",
                );
            }
        }
        (Type::Reference(ty), Some(_)) => {
            let message =
                "an async worker owns its store, since it outlives the call: write `ReactonStore`";
            problems.at(ty, message);
        }
        (Type::Path(ty), None)
            if ty
                .path
                .segments
                .last()
                .is_some_and(|s| s.ident == "ReactonStore") =>
        {
            problems.at(ty, "a worker borrows its store: write `&ReactonStore`");
        }
        (Type::Path(_), Some(_)) => {}
        (ty, _) => {
            let message =
                format!("the first parameter of {keyword} is its store: write `{expected}`");
            problems.at(ty, message);
        }
    }
}

/// The type behind the reference to the store, or the store's own type, as the user wrote it.
pub(crate) fn store(signature: &Signature) -> Option<&Type> {
    let Some(FnArg::Typed(first)) = signature.inputs.first() else {
        return None;
    };
    match bare(&first.ty) {
        Type::Reference(ty) => Some(&ty.elem),
        ty => Some(ty),
    }
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

/// Reports what in `ty` cannot be handed to another thread for good, as far as tokens tell.
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

/// `Fn(&str)` borrows nothing: only what stands in angle brackets is part of the value.
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

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// The type without the parentheses and invisible groups that a `macro_rules!` may have put around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(ty) => bare(&ty.elem),
        Type::Paren(ty) => bare(&ty.elem),
        ty => ty,
    }
}

/// What the generated functions call `argument`: its own name, if that is free and a name at all.
///
/// Without a leading underscore, which would claim that nothing uses it.
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
