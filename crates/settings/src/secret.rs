//! A secret from the environment or from a file.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use secrecy::{ExposeSecret, SecretString};

/// A secret's file is a line of text; what is larger is another file, named by mistake.
const FILE_LIMIT: u64 = 64 * 1024;

/// What a secret is called. Made by [`secret_names!`](crate::secret_names).
pub trait SecretName {
    /// The variable that holds the value.
    const VARIABLE: &'static str;
    /// The variable that holds a file's name.
    const FILE_VARIABLE: &'static str;
    /// The flag that takes a file's name.
    const FILE_FLAG: &'static str;
    /// One line for `--help`.
    const HELP: &'static str;
}

/// Declares names of secrets: a documented unit-like type each, to be put into [`SecretSetting`].
#[macro_export]
macro_rules! secret_names {
    ($($(#[doc = $doc:literal])+ $visibility:vis $name:ident = $variable:literal, file flag $flag:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        $visibility enum $name {}

        impl $crate::SecretName for $name {
            const VARIABLE: &'static str = $variable;
            const FILE_VARIABLE: &'static str = concat!($variable, "_FILE");
            const FILE_FLAG: &'static str = $flag;
            const HELP: &'static str = concat!($($doc),+, " (a file; or the value itself in ", $variable, ")");
        }
    )+};
}

/// A secret that an operator gives as the variable `X`, or as a file that `X_FILE` or a flag names. Put it into a settings
/// struct with `#[command(flatten)]`.
pub struct SecretSetting<N> {
    value: Option<SecretString>,
    file: Option<PathBuf>,
    name: PhantomData<fn() -> N>,
}

impl<N: SecretName> SecretSetting<N> {
    /// The secret, or `None` where it is not set. An empty variable counts as not set, since compose files and manifests
    /// cannot leave one out. A file is read anew at each call; line ends at its end are not part of the secret.
    ///
    /// # Errors
    /// Value and file are both set, or the file cannot be used.
    pub fn optional(&self) -> Result<Option<SecretString>, SecretError> {
        match (&self.value, &self.file) {
            (Some(_), Some(_)) => {
                Err(SecretError::Both { variable: N::VARIABLE, file_variable: N::FILE_VARIABLE, flag: N::FILE_FLAG })
            }
            (Some(value), None) => Ok(Some(value.clone())),
            (None, Some(file)) => read_file(N::FILE_VARIABLE, file).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The secret, which must be set.
    ///
    /// # Errors
    /// As [`optional`](Self::optional), and when it is not set.
    pub fn required(&self) -> Result<SecretString, SecretError> {
        self.optional()?.ok_or(SecretError::Missing { variable: N::VARIABLE, file_variable: N::FILE_VARIABLE })
    }
}

impl<N> SecretSetting<N> {
    /// A secret that lies in this file.
    pub fn from_file(file: impl Into<PathBuf>) -> Self {
        Self { value: None, file: Some(file.into()), name: PhantomData }
    }
}

impl<N> From<SecretString> for SecretSetting<N> {
    fn from(value: SecretString) -> Self {
        Self { value: Some(value), file: None, name: PhantomData }
    }
}

impl<N> From<&str> for SecretSetting<N> {
    fn from(value: &str) -> Self {
        SecretString::from(value).into()
    }
}

impl<N> From<String> for SecretSetting<N> {
    fn from(value: String) -> Self {
        SecretString::from(value).into()
    }
}

/// Not set.
impl<N> Default for SecretSetting<N> {
    fn default() -> Self {
        Self { value: None, file: None, name: PhantomData }
    }
}

impl<N> Clone for SecretSetting<N> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), file: self.file.clone(), name: PhantomData }
    }
}

/// Says where the secret comes from, never what it is.
impl<N> fmt::Debug for SecretSetting<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.value, &self.file) {
            (Some(_), _) => f.write_str("<hidden>"),
            (None, Some(file)) => write!(f, "<in {}>", file.display()),
            (None, None) => f.write_str("<not set>"),
        }
    }
}

impl<N: SecretName> clap::Args for SecretSetting<N> {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new(N::FILE_FLAG)
                .long(N::FILE_FLAG)
                .env(N::FILE_VARIABLE)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help(N::HELP.trim()),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<N: SecretName> clap::FromArgMatches for SecretSetting<N> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = match std::env::var(N::VARIABLE) {
            Ok(value) if !value.is_empty() => Some(SecretString::from(value)),
            Ok(_) | Err(std::env::VarError::NotPresent) => None,
            // `VarError`'s own text would print the value.
            Err(std::env::VarError::NotUnicode(_)) => {
                let message = format!("{} is not UTF-8\n", N::VARIABLE);
                return Err(clap::Error::raw(clap::error::ErrorKind::InvalidUtf8, message));
            }
        };
        let file = matches.get_one::<PathBuf>(N::FILE_FLAG).filter(|file| !file.as_os_str().is_empty()).cloned();
        Ok(Self { value, file, name: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn read_file(variable: &'static str, path: &Path) -> Result<SecretString, SecretError> {
    let bad = |reason| SecretError::File { variable, path: path.to_owned(), reason };
    let read = || {
        let mut content = Vec::new();
        std::fs::File::open(path)?.take(FILE_LIMIT + 1).read_to_end(&mut content)?;
        Ok(content)
    };
    let content = read().map_err(|source| SecretError::Read { variable, path: path.to_owned(), source })?;
    if content.len() as u64 > FILE_LIMIT {
        return Err(bad("is too large for a secret"));
    }
    // The failed conversion holds the bytes: they are dropped here, not carried in an error.
    let content = SecretString::from(String::from_utf8(content).map_err(|_| bad("is not UTF-8 text"))?);
    match content.expose_secret().trim_end_matches(['\r', '\n']) {
        "" => Err(bad("is empty")),
        secret => Ok(secret.into()),
    }
}

/// A secret that cannot be had. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither way is used.
    #[error("{variable} is not set; set it, or name a file that holds it in {file_variable}")]
    Missing {
        /// The variable of the value.
        variable: &'static str,
        /// The variable of the file's name.
        file_variable: &'static str,
    },
    /// Both ways are used, and nobody knows which is meant.
    #[error("{variable} and {file_variable} (or --{flag}) are both set; set one of them")]
    Both {
        /// The variable of the value.
        variable: &'static str,
        /// The variable of the file's name.
        file_variable: &'static str,
        /// The flag of the file's name.
        flag: &'static str,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read, which {variable} names")]
    Read {
        /// The variable of the file's name.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no secret.
    #[error("{path}, which {variable} names, {reason}")]
    File {
        /// The variable of the file's name.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    crate::secret_names! {
        /// A first one.
        First = "BACKTRAIL_SETTINGS_TEST_FIRST", file flag "first-file";
        /// A second one.
        Second = "BACKTRAIL_SETTINGS_TEST_SECOND", file flag "second-file";
    }

    #[derive(Debug, Parser)]
    struct Settings {
        #[command(flatten)]
        first: SecretSetting<First>,
        #[command(flatten)]
        second: SecretSetting<Second>,
    }

    #[test]
    fn a_file_gives_a_secret_without_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "pass word\r\n").unwrap();
        let settings = Settings::parse_from(["service", "--first-file", file.path().to_str().unwrap()]);
        assert_eq!(settings.first.required().unwrap().expose_secret(), "pass word");
        assert!(settings.second.optional().unwrap().is_none());
        let missing = settings.second.required().unwrap_err().to_string();
        assert!(missing.contains("BACKTRAIL_SETTINGS_TEST_SECOND_FILE"), "{missing}");
    }

    #[test]
    fn a_file_without_a_secret_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let setting = || SecretSetting::<First>::from_file(file.path()).required().map(|_| ()).unwrap_err().to_string();
        assert!(setting().contains("is empty"));
        std::fs::write(file.path(), "\n").unwrap();
        assert!(setting().contains("is empty"));
        std::fs::write(file.path(), b"hunter2\xff").unwrap();
        assert!(setting().contains("is not UTF-8") && !setting().contains("hunter2"));
        std::fs::write(file.path(), "x".repeat(70_000)).unwrap();
        assert!(setting().contains("too large"));
        let absent = SecretSetting::<First>::from_file("/nowhere/secret").required().map(|_| ()).unwrap_err();
        assert!(absent.to_string().starts_with("/nowhere/secret cannot be read"));
    }

    #[test]
    fn nothing_prints_the_value_and_no_flag_takes_it() {
        let setting = SecretSetting::<First>::from("hunter2");
        assert_eq!(format!("{setting:?}"), "<hidden>");
        assert!(Settings::try_parse_from(["service", "--first", "hunter2"]).is_err());
        let both = SecretSetting::<First> { file: Some("/nowhere".into()), ..setting };
        let error = both.required().map(|_| ()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
