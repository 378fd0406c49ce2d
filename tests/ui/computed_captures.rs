use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

fn main() {
    let amount = 3;
    println!("{amount} of them");

    #[computed]
    static TOTAL: u32 = |cx| cx.get(&PRICE) * amount;

    println!("{}", ReactonStore::new().get(&TOTAL));
}
