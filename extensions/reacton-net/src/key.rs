//! The key of a program, in a file that is made once.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use iroh::SecretKey;

use crate::error::NetError;

/// The file with the secret key of a program. Others know the program by the public key that belongs to it.
///
/// The file is made at first use, readable by its owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the public key, which a host lists in [`allow`](crate::HostBuilder::allow): 64 hexadecimal digits. Makes
    /// the file if there is none.
    ///
    /// # Errors
    /// If the file cannot be read or made, holds no key, or can be read by other users.
    pub fn public_key(&self) -> Result<String, NetError> {
        Ok(self.load()?.public().to_string())
    }

    pub(crate) fn load(&self) -> Result<SecretKey, NetError> {
        let failed = |source| NetError::KeyFile { path: self.path.clone(), source };
        match File::open(&self.path) {
            Ok(file) => {
                if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
                    return Err(NetError::KeyIsOpen { path: self.path.clone() });
                }
                parse(&io::read_to_string(file).map_err(failed)?).ok_or_else(|| {
                    failed(io::Error::new(io::ErrorKind::InvalidData, "it holds no key"))
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = SecretKey::generate();
                match make(&self.path, &key) {
                    Ok(()) => Ok(key),
                    // Another program has made it just now.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.load(),
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Makes the file under another name first, so that no other program reads a part of it.
fn make(path: &Path, key: &SecretKey) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let part = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let mut text = String::new();
    for byte in key.to_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    let made = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    // Fails if the file exists, as a rename would not.
    let made = made.and_then(|()| fs::hard_link(&part, path));
    fs::remove_file(&part)?;
    made
}

fn parse(text: &str) -> Option<SecretKey> {
    let digits = text.trim().as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    Some(SecretKey::from_bytes(&bytes?.try_into().ok()?))
}
