//! The options that the tables share.

/// What is measured, and how many times.
pub(crate) struct Options {
    /// The name of one row.
    pub(crate) only: Option<String>,
    /// How many rounds there are; the best one counts.
    pub(crate) rounds: u32,
}

impl Options {
    /// Reads the options. An unknown one is an error.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { only: None, rounds: 1 };
        while let Some(option) = args.next() {
            let value = args.next().unwrap_or_default();
            match option.as_str() {
                "--only" => options.only = Some(value),
                "--rounds" => {
                    options.rounds =
                        value.parse().map_err(|error| format!("--rounds `{value}`: {error}"))?;
                }
                _ => {
                    return Err(format!(
                        "`{option}` is unknown; known are --only NAME, --rounds N"
                    ));
                }
            }
        }
        Ok(options)
    }
}
