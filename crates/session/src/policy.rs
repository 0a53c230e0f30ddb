//! The policy that the user named.

use crate::SessionError;
use pace::Policy;

/// A preset by its name, else a TOML file, with `key=value` settings on top.
///
/// # Errors
/// [`SessionError::PolicyFile`], [`SessionError::Policy`].
pub fn policy(name: Option<&str>, settings: &[String]) -> Result<Policy, SessionError> {
    let mut policy = match name {
        None => Policy::default(),
        Some(name) => match Policy::preset(name) {
            Some(preset) => preset,
            None => file(name)?,
        },
    };
    for setting in settings {
        policy.apply(setting)?;
    }
    Ok(policy)
}

fn file(name: &str) -> Result<Policy, SessionError> {
    let text = std::fs::read_to_string(name)
        .map_err(|error| SessionError::PolicyFile { name: name.to_owned(), error: error.to_string() })?;
    Ok(Policy::from_toml(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_preset_or_a_file_and_settings_come_on_top() {
        assert_eq!(policy(None, &[]).unwrap(), Policy::default());
        let set = ["flash.obk=7s".to_owned()];
        let tuned = policy(Some("openocd"), &set).unwrap();
        assert_eq!((tuned.get("flash.obk").unwrap(), tuned.name), ("7s".to_owned(), "openocd+".to_owned()));
    }

    #[test]
    fn what_is_neither_preset_nor_file_says_so() {
        let error = policy(Some("no-such-preset"), &[]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains("no-such-preset") && error.to_string().contains("bmda"),
            "{error}"
        );
        assert!(policy(None, &["nonsense".to_owned()]).is_err());
    }
}
