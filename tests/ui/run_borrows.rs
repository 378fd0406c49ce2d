fn main() -> Result<(), reacton::TaskError> {
    let words = vec!["a", "b"];
    let count = reacton::run(|| words.len()).join()?;
    println!("{count} of {words:?}");
    Ok(())
}
