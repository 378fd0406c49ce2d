//! The names of reactons in messages. User code writes the key of a member, so that happens outside of the graph.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use super::{Body, CellId, Graph};
use crate::store::code::Derive;

/// The name of a reacton in a message.
pub(crate) struct Named {
    name: Cow<'static, str>,
    /// Of a member of a computed family: the handle that writes its key.
    member: Option<Rc<dyn Derive>>,
}

impl Named {
    pub(crate) fn text(text: &'static str) -> Self {
        Self { name: text.into(), member: None }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.member.as_ref().and_then(|member| member.key_text()) {
            Some(key) => write!(f, ".of({key})"),
            None => Ok(()),
        }
    }
}

/// The names joined in order. Calls user code.
pub(crate) fn joined(names: &[Named]) -> String {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    names.join(" -> ")
}

impl Graph {
    /// The name of `id`, with the handle that writes its key.
    pub(crate) fn named(&self, id: CellId) -> Named {
        let member = match self.cell(id).map(|cell| &cell.body) {
            Some(Body::Derived(derived)) if derived.member().is_some() => Some(Rc::clone(derived)),
            _ => None,
        };
        Named { name: self.name(id), member }
    }

    pub(crate) fn name(&self, id: CellId) -> Cow<'static, str> {
        let Some(cell) = self.cell(id) else { return "a reacton that was removed".into() };
        if let Some(head) = cell.body.head() {
            return head.rref.name().into();
        }
        match &cell.body {
            Body::Source(source) => format!("a local reacton of {}", source.type_name()).into(),
            Body::Derived(derived) => {
                // The path of the function around a closure.
                format!(
                    "a local computed in {}",
                    derived.type_name().trim_end_matches("::{{closure}}")
                )
                .into()
            }
            Body::Vacant | Body::Effect(_) | Body::Listener(_) => "an observer".into(),
            Body::Scope => "a scope".into(),
        }
    }
}
