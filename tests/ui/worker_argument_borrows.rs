use reacton::prelude::*;

#[reacton]
static GREETING: String = String::new();

#[worker(shared = [GREETING])]
fn greeter(store: &ReactonStore, name: &str) {
    store.set(&GREETING, format!("hello {name}"));
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let name = String::from("you");
    greeter::spawn(&store, &name)?.detach();
    Ok(())
}
